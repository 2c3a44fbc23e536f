export { library } from './library.svelte';
export { live, LiveRun } from './live.svelte';
export { Resource } from './resource.svelte';
export { route } from './route.svelte';
export { hasEnded, OneRun, runs } from './runs.svelte';
export { settings } from './settings.svelte';
export { system } from './system.svelte';
export { reading, SampleRing, sensors, telemetry, type SensorKey } from './telemetry.svelte';
export { theme, type ThemeSetting } from './theme.svelte';
