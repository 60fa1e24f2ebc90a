/** Milliseconds after which what could not be loaded whole is loaded again. */
const AGAIN_MS = 1500

const again = () => setTimeout(() => location.reload(), AGAIN_MS)

/** @param {CSSStyleSheet} sheet Browsers keep the rules of one that did not come as those of another site. */
function isThere(sheet) {
  try {
    return sheet.cssRules.length > 0
  } catch {
    return false
  }
}

// A browser whose network changes gives up what it is loading, and a page without one of its files is none.
const links = document.querySelectorAll('link[rel="stylesheet"]').length
if ([...document.styleSheets].filter(isThere).length < links) again()
else import('./main.js').catch(again)
