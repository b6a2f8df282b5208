/* Who is signed in: the token, kept for this tab or, where its owner wants that, in this browser. It
 * is never part of an address. */

const NAME = 'renderchain.token';

/* A browser may forbid both stores; then it is kept for as long as the page is. */
let kept = null;
const stores = ['sessionStorage', 'localStorage'];

/* Do something with a store, if there is one. */
function tryStore(name, what) {
    try {
        return what(window[name]);
    } catch {
        return null;
    }
}

export const session = {
    /* The token, or null. */
    token() {
        return kept ?? stores.map((name) => tryStore(name, (store) => store.getItem(NAME))).find(Boolean) ?? null;
    },

    save(token, stays) {
        this.forget();
        kept = token;
        tryStore(stays ? 'localStorage' : 'sessionStorage', (store) => store.setItem(NAME, token));
    },

    forget() {
        kept = null;
        for (const name of stores)
            tryStore(name, (store) => store.removeItem(NAME));
    },
};
