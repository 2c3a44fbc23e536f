import type { facts as en } from '../en/facts'
import type { Words } from '../index'

export const facts: Words<typeof en> = {
  cpu_governor: 'Regulador da CPU',
  cpu_epp: 'Preferência de energia da CPU',
  cpu_frequency_driver: 'Driver do clock da CPU',
  cpu_boost: 'Turbo da CPU',
  cpu_smt: 'Threads simultâneas',
  cpu_microcode: 'Microcódigo da CPU',
  cpu_features: 'Instruções da CPU',
  numa_nodes: 'Nós NUMA',
  transparent_hugepages: 'Páginas grandes',
  power_source: 'Fonte de energia',
  power_profile: 'Perfil de energia',
  cgroup_cpus: 'Cota de CPU, em CPUs',
  cgroup_memory_gb: 'Limite de memória, GB',
  libc: 'Biblioteca C',
  cpu_temp_c: 'Temperatura da CPU, °C',
  cpu_clock_mhz: 'Clock da CPU, MHz',
  gpu_temp_c: 'Temperatura da GPU, °C',
  v_on: 'ligado',
  v_off: 'desligado',
  v_mains: 'tomada',
  v_battery: 'bateria',
  v_notsupported: 'nenhuma',
}
