export { default } from './Datasets.svelte'
