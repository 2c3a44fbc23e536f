/** Which of the shell's layers are open. */
class Layers {
  paletteOpen = $state(false)
  keysOpen = $state(false)
  /** The run that is about to be stopped; empty when nobody asked. */
  stopping = $state('')
}

export const shell = new Layers()
