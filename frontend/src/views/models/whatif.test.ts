import { describe, expect, it } from 'vitest'
import { depths, speed } from './whatif'

describe('the depths of the slider', () => {
  it('double up to what the model holds', () => expect(depths(1000)).toEqual([0, 128, 256, 512, 1000]))
  it('end at a power of two once', () => expect(depths(512)).toEqual([0, 128, 256, 512]))
  it('hold for a model that tells nothing', () => expect(depths(0)).toEqual([0]))
})

it('writes the ends of a range without digits that they do not have', () => expect([8.14, 54.6].map((v) => speed(v).value)).toEqual(['8.1', '55']))
