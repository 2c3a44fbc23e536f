export { default } from './Api.svelte'
