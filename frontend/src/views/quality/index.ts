export { default } from './Quality.svelte'
