export { default } from './Engines.svelte'
