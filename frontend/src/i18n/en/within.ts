/** How well a run is known, and what it did over time. */
export const within = {
  interval: '95 %: {from} to {to}, by the requests of this run. Another run may lie elsewhere.',
  legend: 'Small: the 95 % interval, how well the requests of this run tell the figure. It says nothing of what another run would give.',
  outliers: 'Outliers',
  outliersTip: 'Values beyond 1.5 (mild) and beyond 3 (severe) interquartile ranges from the quartiles, on a logarithmic scale. None is left out.',
  severe: '{n} severe',
  mild: '{n} mild',
  course: 'Over time',
  courseSub: '{n} {n:request|requests} in the order of sending',
  steady: 'Held still',
  warming_up: 'Began with a warm-up',
  drifting: 'Drifts',
  unsettled: 'No steady state',
  unknown: 'Not judged',
  stage: 'Stage {n}',
} as const
