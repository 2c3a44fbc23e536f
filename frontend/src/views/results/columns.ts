/** The columns that a person may hide, in their order. */
export const columnKeys = ['validity', 'load', 'speed', 'ttft', 'p95', 'tpot', 'goodput', 'vram', 'engine', 'tags', 'when'] as const
export type ColumnKey = (typeof columnKeys)[number]
