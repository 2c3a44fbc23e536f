/** What the charts of a comparison say, its cause, and the card to share. */
export const comparing = {
  everyRequest: 'Every request',
  share: 'share of requests, {unit}',
  dense: '{unit}',
  log: 'log',
  requests: '{n} requests',
  gaps: '{n} gaps',
  ofRequests: 'Figure of each request',
  look: 'How it is drawn',
  ecdf: 'Shares',
  violin: 'Violin',
  bars: 'Bars',
  noRequests: 'No request of these runs has this figure.',
}
