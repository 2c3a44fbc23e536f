export const shell = {
  title: 'Inferometer',
}
