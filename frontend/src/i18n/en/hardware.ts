export const hardware = {
  title: 'Hardware',
}
