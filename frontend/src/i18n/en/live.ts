export const live = {
  title: 'Live run',
}
