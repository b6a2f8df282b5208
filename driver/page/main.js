/* The page: who is signed in, which view the address asks for, and what all views share. */
import { Renderchain, RenderchainError } from '/renderchain.js';
import { ChainView } from '/page/chain.js';
import { ChainsView } from '/page/chains.js';
import { problem } from '/page/composer.js';
import { make, replace } from '/page/elements.js';
import { Pictures } from '/page/pictures.js';
import { session } from '/page/session.js';
import { count } from '/page/words.js';

const main = document.querySelector('main');
const status = document.querySelector('#status');
const complaint = document.querySelector('#complaint');
const account = document.querySelector('#account');
let view = null;
let chainNames = [];

/* What views are given. */
const app = {
    client: null,
    pictures: null,

    chainNames: () => chainNames,
    setChainNames: (names) => { chainNames = names; },
    href: (chainId, renderId) => (chainId ? `#/chains/${chainId}${renderId ? `/${renderId}` : ''}` : '#/'),
    go: (chainId, renderId) => { location.hash = app.href(chainId, renderId); },

    /* Tell those who do not see it. */
    announce: (text) => { status.textContent = text; },

    /* Show what went wrong with something that has no place of its own. */
    complain: (error) => replace(complaint, problem(error),
        make('button', { type: 'button', class: 'quiet', on: { click: () => replace(complaint) } }, 'Dismiss')),

    /* A token that is not good any more ends the session. What no server said is a fault of ours. */
    refused: (error) => {
        if (!(error instanceof RenderchainError))
            throw error;
        if (error.status !== 401)
            return false;
        signOut(error);
        return true;
    },

    /* A view has found out what it is called. */
    titled: (which) => {
        if (which === view)
            document.title = `${which.title} · renderchain`;
    },

    async showCredits() {
        const credits = await app.client.credits().catch(() => undefined);
        if (credits === undefined || !app.client)
            return;
        account.querySelector('#credits').textContent = !credits ? ''
            : count(credits.balance, 'credit') + (credits.reserved ? ` (${credits.reserved} reserved)` : '');
    },
};

/* ---- signing in and out ---- */

function signIn(words) {
    const error = make('div');
    const token = make('input', { name: 'token', type: 'password', required: true, autocomplete: 'off', spellcheck: false });
    const stays = make('input', { name: 'stays', type: 'checkbox' });
    const button = make('button', { type: 'submit', class: 'primary' }, 'Sign in');
    const form = make('form', { class: 'sign-in card', noValidate: true, ariaLabel: 'Sign in' },
        make('h1', { tabIndex: -1 }, 'Renders in chains that remember'),
        make('label', { class: 'field' }, make('span', {}, 'Token'), token),
        make('label', { class: 'check' }, stays, ' Stay signed in on this device'), error, button,
        make('p', { class: 'soft small' }, 'Whoever runs this server makes a token with ',
            make('code', {}, 'renderchain token create'), '.'));
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        button.disabled = true;
        replace(error);
        try {
            await new Renderchain({ token: token.value.trim() }).credits();
            session.save(token.value.trim(), stays.checked);
            begin();
        } catch (failure) {
            replace(error, problem(failure));
            token.focus();
        } finally {
            button.disabled = false;
        }
    });
    document.title = 'renderchain';
    replace(main, form);
    if (words)
        replace(error, problem(words));
    token.focus();
}

/* Forget everything of a user. */
function signOut(words) {
    session.forget();
    view?.close();
    view = null;
    app.pictures?.close();
    app.client = app.pictures = null;
    chainNames = [];
    account.hidden = true;
    replace(complaint);
    signIn(words);
}

/* Begin with the token that there is. */
function begin() {
    app.client = new Renderchain({ token: session.token() });
    app.pictures = new Pictures(app.client);
    account.hidden = false;
    app.showCredits();
    show();
}

/* ---- views ---- */

/* Show what the address asks for. */
function show() {
    if (!app.client)
        return;
    const [, chainId, renderId] = /^#\/chains\/([0-9a-f-]{36})(?:\/([0-9a-f-]{36}))?$/.exec(location.hash) ?? [];
    replace(complaint);
    if (chainId && view instanceof ChainView && view.chainId === chainId) {
        view.select(renderId);
        return;
    }
    view?.close();
    view = chainId ? new ChainView(app, chainId, renderId) : new ChainsView(app);
    view.chainId = chainId;
    replace(main, view.node);
    app.titled(view);
    window.scrollTo(0, 0);
}

account.querySelector('button').addEventListener('click', () => signOut());
window.addEventListener('hashchange', () => {
    const before = view;
    show();
    if (view !== before)
        main.focus();
});
// What is dropped beside the form is not to take the page's place.
for (const event of ['dragover', 'drop'])
    window.addEventListener(event, (dropped) => dropped.preventDefault());
if (session.token())
    begin();
else
    signIn();
