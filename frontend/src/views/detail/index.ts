export { default } from './Detail.svelte'
