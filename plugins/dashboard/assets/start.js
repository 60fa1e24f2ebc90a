/** Milliseconds after which what could not be loaded whole is loaded again. */
const AGAIN_MS = 1500

const again = () => setTimeout(() => location.reload(), AGAIN_MS)

// A browser whose network changes gives up what it is loading, and a page without one of its files is none.
if ([...document.querySelectorAll('link')].some(({ rel, sheet }) => rel === 'stylesheet' && !sheet)) again()
else import('./main.js').catch(again)
