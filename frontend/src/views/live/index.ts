export { default } from './Live.svelte'
