export const detail = {
  title: 'Result',
}
