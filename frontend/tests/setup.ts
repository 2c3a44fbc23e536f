import { afterEach, beforeEach } from 'vitest'
import { locale } from '../src/lib/locale.svelte'

beforeEach(() => {
  locale.lang = 'en'
  localStorage.clear()
})

afterEach(() => {
  document.body.innerHTML = ''
})
