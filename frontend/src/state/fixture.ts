import type { GPUSample, Run, Sample, Stats } from '../api'

/** Runs and samples for tests. */

export const noStats: Stats = { mean: null, p50: null, p90: null, p95: null, p99: null, min: null, max: null, n: 0, intervals: null, outliers: null, reason: '' }

export function aRun(over: Partial<Run> = {}): Run {
  return {
    job_id: 'r1', name: '', model: 'm', engine: 'llama-server', task: 'text-generation', status: 'completed', created_at: '2026-11-22T10:00:00Z',
    started_at: null, ended_at: null, duration: null, tokens_generated: null, output: null,
    hardware_metrics: {
      cpu_usage_percent: null, ram_usage_gb: null, gpu_usage_percent: null, vram_usage_gb: null, power_w: null, devices: [], reasons: {}, samples: 0, remote: [],
      peak: { cpu_usage_percent: null, ram_usage_gb: null, gpu_usage_percent: null, vram_usage_gb: null, power_w: null },
    },
    plan: {
      model_id: 'm', dataset_id: null, prompt: 'Olá, ação', task: 'text-generation', max_tokens: 128, temperature: 0.7, top_p: 0.9, seed: 1, use_gpu: true,
      use_gpu_explicit: false, gpu: null, engine: 'llama-server', endpoint_id: null, load: { kind: 'single' }, stages: [], stop: {}, slo: [],
      synthetic: null, warmup: 1, cooldown: 0, prompt_cache: 'off', repeat: 1, rest: null,
      store_text: true, raw_completion: false, engine_options: null, phases: [], expected_requests: 1, expected_s: null,
    },
    progress: null, summary: null, validity: null, warnings: [], environment: null, client: null, bottleneck: null, error: null, tags: [], notes: '', pinned: false, sample: false, imported: null, experiment: null,
    deleted_at: null, ...over,
  }
}

export function withSpeed(run: Run, decode: number | null, ttft: number | null): Run {
  return {
    ...run,
    summary: {
      ttft_ms: { ...noStats, p50: ttft }, ttfr_ms: noStats, ttfv_ms: noStats, itl_ms: noStats, tpot_ms: noStats, e2e_ms: noStats,
      ntpot_ms: noStats, itl_per_token_ms: noStats, ttft_from_due_ms: noStats, e2e_from_due_ms: noStats, lateness_ms: noStats, goodput: null,
      asked_concurrency: 1, asked_rate_per_s: null, arrivals_per_second: null, length_shortfall: 0, draft: null, clock_delta_percent: null, tokens_per_chunk: null,
      output_tokens_per_second: decode, decode_tokens_per_second: decode, prefill_tokens_per_second: null, prefill_lower_bound: false,
      requests_per_second: null, requests: { ok: 1, error: 0, incomplete: 0, canceled: 0, dropped: 0 }, tokens: { prompt: null, output: 1, cached: null, from: 'usage' },
      delivered_concurrency: null, window_s: 1, energy: null, finish_reasons: {}, error_classes: {},
      server: { decode_tokens_per_second: null, prefill_tokens_per_second: null, n: 0 }, stages: [], best_stage: null, knee: null, steady: null, intervals: null,
    },
  }
}

export function aSample(t: number, over: Partial<Sample> = {}): Sample {
  return {
    timestamp: new Date(t * 1000).toISOString(), t_ms: t * 1000, phase: 'idle', cpu_usage_percent: 10, cpu_cores_percent: [10], ram_usage_gb: 2,
    swap_usage_gb: 0, engine_cpu_percent: null, engine_rss_gb: null, self_cpu_percent: 1, gpu_usage_percent: null, vram_usage_gb: null, power_w: null,
    gpu_temp_c: null, gpus: [], late_ms: 0, battery_power_w: null, cpu_clock_mhz: null, cpu_energy_j: null, cpu_pressure_percent: null, cpu_temp_c: null,
    cpu_throttled_percent: null, disk_read_mb_per_s: null, disk_write_mb_per_s: null, engine_major_faults_per_s: null, io_pressure_percent: null,
    iowait_percent: null, memory_pressure_percent: null, net_receive_mb_per_s: null, net_send_mb_per_s: null, steal_percent: null,
    swap_in_mb_per_s: null, swap_out_mb_per_s: null, remote: [], ...over,
  }
}

export function aGPU(over: Partial<GPUSample> = {}): GPUSample {
  return {
    index: 0, gpu_usage_percent: 97, memory_bus_percent: 80, vram_usage_gb: 6.2, power_w: 318, temp_c: 74, clock_mhz: 1905, memory_clock_mhz: 9501, fan_percent: 60,
    power_instant_w: 320, energy_j: 0, pcie_receive_mb_per_s: null, pcie_send_mb_per_s: null, engine_gpu_percent: null, engine_vram_gb: 6, other_vram_gb: 0.2, other_gpu_percent: null,
    limit_reasons: [], ...over,
  }
}
