/**
 * Copies what has yet to be fetched. Safari lets a page write only at once upon
 * the click, so it is given the promise.
 */
export async function copy(fetchText: () => Promise<string>): Promise<void> {
  if (typeof ClipboardItem === 'undefined') return navigator.clipboard.writeText(await fetchText());
  // A failure to fetch is to be told, rather than that nothing could be copied.
  let failed: unknown;
  const blob = fetchText()
    .then((words) => new Blob([words], { type: 'text/plain' }))
    .catch((error: unknown) => {
      failed = error;
      throw error;
    });
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
  } catch (error) {
    throw failed ?? error;
  }
}
