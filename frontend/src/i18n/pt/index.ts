import { common } from './common'
import { shell } from './shell'
import { folder } from './folder'
import { firstrun } from './firstrun'
import { home } from './home'
import { live } from './live'
import { stages } from './stages'
import { log } from './log'
import { storage } from './storage'
import { compare } from './compare'
import { comparing } from './comparing'
import { sweep } from './sweep'
import { detail } from './detail'
import { checks } from './checks'
import { causes } from './causes'
import { energy } from './energy'
import { events } from './events'
import { facts } from './facts'
import { newbench } from './newbench'
import { results } from './results'
import { hardware } from './hardware'
import { models } from './models'
import { quality } from './quality'
import { datasets } from './datasets'
import { engines } from './engines'
import { api } from './api'
import { settings } from './settings'
import { predict } from './predict'
import { transfer } from './transfer'
import { within } from './within'
import { trends } from './trends'
import { tune } from './tune'
import { capacity } from './capacity'

export const pt = {
  common,
  shell,
  firstrun,
  home,
  live,
  stages, storage, folder, log, detail, within,
  checks,
  causes,
  energy,
  events,
  facts,
  newbench,
  results, transfer, compare, trends, comparing, sweep,
  hardware,
  models, predict, quality,
  datasets,
  engines,
  api,
  settings,
  tune, capacity,
} as const
