export { default } from './Experiment.svelte'
