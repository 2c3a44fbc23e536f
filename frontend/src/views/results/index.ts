export { default } from './Results.svelte'
