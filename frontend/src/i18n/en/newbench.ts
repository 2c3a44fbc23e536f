export const newbench = {
  title: 'New benchmark',
}
