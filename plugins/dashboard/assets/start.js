/** Milliseconds after which an incomplete page reloads. */
const AGAIN_MS = 1500

const again = () => setTimeout(() => location.reload(), AGAIN_MS)

/**
 * @param {CSSStyleSheet} sheet browsers hide the rules of one that failed to load, as if it came from another
 * site
 */
function isThere(sheet) {
  try {
    return sheet.cssRules.length > 0
  } catch {
    return false
  }
}

// A browser whose network changes aborts its loads, and the page does not work without all of its files.
const links = document.querySelectorAll('link[rel="stylesheet"]').length
if ([...document.styleSheets].filter(isThere).length < links) again()
else import('./main.js').catch(again)
