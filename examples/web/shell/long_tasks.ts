/** Watches how long the page itself is busy at a time; the returned function ends that and says the longest, in ms. */
export function watchLongTasks(): () => number {
  let longest = 0;
  if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) return () => longest;
  const read = (entries: PerformanceEntryList): void => {
    for (const { duration } of entries) longest = Math.max(longest, duration);
  };
  const observer = new PerformanceObserver((list) => read(list.getEntries()));
  observer.observe({ type: 'longtask' });
  return () => {
    read(observer.takeRecords());
    observer.disconnect();
    return longest;
  };
}
