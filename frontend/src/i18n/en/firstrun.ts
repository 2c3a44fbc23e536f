export const firstrun = {
  title: 'Welcome',
}
