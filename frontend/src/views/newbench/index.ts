export { default } from './NewBench.svelte'
