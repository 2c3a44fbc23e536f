/** The program's log, in Settings. */
export const log = {
  title: 'Log',
  hint: 'The newest 1,000 records; the file is logs/inferometer.log in the data folder',
  level: 'Level',
  all: 'All',
  warn: 'Warnings',
  error: 'Errors',
  part: 'Part',
  what: 'What',
  filter: 'Filter by words',
  copy: 'Copy {n} {n:line|lines}',
  none: 'Nothing of this kind was written.',
  failed: 'The log cannot be read',
  support: 'Save for a report',
  supportHint: 'A zip file with version, machine, settings, storage and log. It holds no prompt, output, key or path',
  saved: 'Saved as {place}. Look through it before you pass it on.',
  supportFailed: 'The file was not saved',
}
