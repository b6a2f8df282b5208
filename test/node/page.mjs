// The page, with this test as the worker: signing in, submitting, stages as they run, a reload in
// the middle, pins, branches, cancelling, failures, and all of it by keyboard, on a phone and in the
// dark.
import { readFileSync } from 'node:fs';
import { accessible, fits, launch, open, quiet, signIn } from './lib/browser.mjs';
import { claim, complete, is, like, ok, run, sql, stages, until } from './lib/tap.mjs';

const { URL: url, TOKEN: token, USER_ID: user, PHOTO: photo } = process.env;
const HTML = '<img src=x onerror="document.title=1"><b>bold</b> house & garden';
const PHONE = { viewport: { width: 360, height: 740 } };

/* The status of each badge. */
const badges = (page) => page.locator('.badge').evaluateAll((nodes) =>
    Object.fromEntries(nodes.map(({ dataset }) => [dataset.stage + (dataset.part ? `/${dataset.part}` : ''), dataset.status])));

const badgeIs = (page, stage, status) => page.locator(`.badge[data-stage="${stage}"][data-status="${status}"]`).waitFor();
const statusIs = (page, status) => page.locator(`.render-head .status[data-status="${status}"]`).waitFor();
const renderOf = (page) => until(() => page.url().match(/#\/chains\/[0-9a-f-]+\/([0-9a-f-]{36})$/)?.[1], 'the address names a render');

/* Submit a prompt by the form that is shown. */
async function submit(page, prompt) {
    const before = page.url();
    await page.getByLabel('What should it show?').fill(prompt);
    await page.getByRole('button', { name: /^Render/ }).click();
    await until(() => page.url() !== before, 'the address is another one');
    return renderOf(page);
}

/* Go on by the Tab key until an element has the focus. */
async function tabTo(page, selector) {
    for (let presses = 0; presses < 60; presses++) {
        if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector))
            return true;
        await page.keyboard.press('Tab');
    }
    return false;
}

/* ---- a stranger ---- */

async function strangers(browser) {
    const visit = await open(browser);
    const { page, seen } = visit;
    const bodies = [];
    page.on('response', (response) => { bodies.push(response.body().catch(() => '')); });
    const answer = await page.goto(url);
    like(answer.headers()['content-security-policy'], /default-src 'none'.*require-trusted-types-for 'script'/, 'the page may do little');
    await page.getByLabel('Token').waitFor();
    await page.waitForLoadState('networkidle');
    const bytes = (await Promise.all(bodies)).reduce((sum, body) => sum + body.length, 0);
    ok(bytes > 10000 && bytes < 100000, 'the whole page is small', `${bytes} bytes`);
    is(await page.evaluate(() => document.activeElement.name), 'token', 'the token is asked for');
    await accessible(page, 'sign in');
    is(seen.console, [], 'nothing is complained of');
    await signIn(page, url, 'rct_wrong');
    like(await page.getByRole('alert').innerText(), /The token is not valid\./, 'a wrong token is refused in words');
    is(await page.evaluate(() => sessionStorage.length + localStorage.length), 0, 'and not kept');
    ok(seen.console.every((line) => line.includes('401')), 'the refusal is all that is complained of', seen.console);
    await visit.context.close();
}

/* ---- by keyboard ---- */

async function byKeyboard(page) {
    await page.goto(url);
    await page.getByLabel('Token').waitFor();
    await page.keyboard.type(token);
    await page.keyboard.press('Enter');
    await page.getByText('No chains yet').waitFor();
    ok(true, 'who is new is told what chains are');
    await accessible(page, 'no chains');
    await fits(page, 'no chains');
    ok(await tabTo(page, 'textarea[name=prompt]'), 'the prompt is reached by keyboard');
    await page.keyboard.type(HTML);
    ok(await tabTo(page, 'input[name=type]'), 'and the kind');
    await page.keyboard.press('ArrowRight');
    is(await page.locator('button[type=submit]').innerText(), 'Render video', 'which arrows change');
    await page.keyboard.press('ArrowLeft');
    ok(await tabTo(page, 'select[name=quality]'), 'and the quality');
    await page.keyboard.press('h');
    ok(await tabTo(page, 'button[type=submit]'), 'and the button');
    ok(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== 'none'), 'where the focus is can be seen');
    await page.keyboard.press('Enter');
    const id = await renderOf(page);
    is(sql(`SELECT prompt || ' ' || (settings ->> 'quality') || ' ' || user_id FROM renders WHERE id = '${id}'`), `${HTML} high ${user}`, 'it is submitted');
    return id;
}

/* ---- a render from its first stage to its picture ---- */

async function watches(page, id) {
    await statusIs(page, 'pending');
    is(await page.locator('.render .prompt').innerText(), HTML, 'texts are shown as texts');
    is(await page.locator('main b, main img[src=x]').count(), 0, 'and make no elements');
    is(await badges(page), {
        semantic_parsing: 'waiting', prompt_optimization: 'waiting', model_routing: 'waiting', image_generation: 'waiting',
        validation: 'waiting', memory_extraction: 'waiting', storage: 'waiting',
    }, 'all its stages wait');
    claim();
    await statusIs(page, 'processing');
    stages(id, ['semantic_parsing', 'running', { model: 'reader' }], ['image_understanding', 'running', { part: 'reference 1' }]);
    await badgeIs(page, 'semantic_parsing', 'running');
    await badgeIs(page, 'image_understanding', 'running');
    is(await page.locator('.wave[data-wave="0"] .badge[data-status=running]').count(), 2, 'what runs at the same time stands together');
    await until(async () => /\d s/.test(await page.locator('.elapsed').innerText()), 'time goes on');
    await until(() => page.locator('.badge[data-stage=semantic_parsing]').evaluate((node) => Number(node.style.getPropertyValue('--filled')) > 0),
        'the badge fills');
    ok(true, 'a badge fills as time goes on');
    await accessible(page, 'a render that runs');
    stages(id, ['semantic_parsing', 'success'], ['image_understanding', 'failed', { part: 'reference 1', error: { message: HTML } }],
        ['model_routing', 'success'], ['prompt_optimization', 'success'], ['image_generation', 'running']);
    await badgeIs(page, 'image_generation', 'running');
    await badgeIs(page, 'image_understanding', 'failed');
    await page.reload();
    await badgeIs(page, 'image_generation', 'running');
    is((await badges(page)).semantic_parsing, 'success', 'after a reload it stands where it stood');
    stages(id, ['image_generation', 'success'], ['validation', 'running'], ['memory_extraction', 'running'], ['storage', 'running']);
    await badgeIs(page, 'storage', 'running');
    is(await page.locator('.wave[data-wave="3"] .badge[data-status=running]').count(), 3, 'and goes on');
    stages(id, ['validation', 'skipped', { outcome: 'skipped' }], ['memory_extraction', 'success'], ['storage', 'success']);
    complete(id, 'aa/picture-1.png', { palette: ['deep navy #1f2a44', 'oak #a0713f', HTML], materials: ['oak', 'slate'] });
    await statusIs(page, 'completed');
    await until(() => page.locator('.picture img').evaluate((image) => image.naturalWidth === 320), 'the picture is there');
    await until(() => page.locator('.film img').evaluate((image) => image.naturalWidth === 320), 'its frame, too');
    ok(true, 'the picture is shown, large and in the filmstrip');
    is((await badges(page)).validation, 'skipped', 'what was left out is said');
    await until(async () => /Render 1 completed/.test(await page.locator('#status').textContent()), 'the end is announced');
    ok(true, 'the end is announced to those who do not see it');
}

/* ---- pins ---- */

const chip = (page, name) => page.getByRole('button', { name: `Pin ${name}`, exact: true });
const pressed = (page, name, value) => until(async () => await chip(page, name).getAttribute('aria-pressed') === value, `${name} is ${value}`);

async function pins(page) {
    await chip(page, 'oak').first().waitFor();
    is(await page.locator('.chip .swatch').first().evaluate((node) => node.style.backgroundColor), 'rgb(31, 42, 68)', 'colours are drawn');
    await chip(page, 'deep navy').click();
    await pressed(page, 'deep navy', 'true');
    is(sql(`SELECT pins FROM memory_pins`), '{"palette": ["deep navy #1f2a44"]}', 'a click pins a colour');
    is(await page.evaluate(() => document.activeElement.dataset.key), 'palette/deep navy', 'the focus stays where it was');
    await chip(page, 'slate').click();
    await pressed(page, 'slate', 'true');
    const id = await submit(page, 'the same at dusk');
    await statusIs(page, 'pending');
    is(claim()[id].palette, ['deep navy #1f2a44'], 'the next render begins with it');
    stages(id, ['image_generation', 'running']);
    await badgeIs(page, 'image_generation', 'running');
    complete(id, 'aa/picture-2.png', { palette: ['rose #d8a0a0'], materials: ['brick'], styleCodes: { colorPalette: ['rose #d8a0a0'] } });
    await statusIs(page, 'completed');
    is(sql(`SELECT renderchain.get_memory_from_render('${id}') ->> 'palette'`), '["deep navy #1f2a44"]', 'and ends with it, whatever came out');
    await pressed(page, 'deep navy', 'true');
    await chip(page, 'rose').waitFor();
    ok(true, 'what came out can be pinned, too');
    await chip(page, 'deep navy').click();
    await pressed(page, 'deep navy', 'false');
    is(sql(`SELECT pins FROM memory_pins`), '{"materials": ["slate"]}', 'another click releases it');
    await until(() => JSON.parse(sql(`SELECT renderchain.get_memory_from_render('${id}') -> 'palette'`)).includes('rose #d8a0a0'), 'all of it counts again');
    return id;
}

/* ---- branches, files, ends ---- */

async function branches(page, second) {
    await page.locator('.frame').first().click();
    await page.getByRole('heading', { name: 'Render 1' }).waitFor();
    await page.getByRole('button', { name: 'Branch' }).click();
    await page.getByText('From render 1').waitFor();
    is(await page.evaluate(() => document.activeElement.name), 'prompt', 'a branch begins with its prompt');
    const id = await submit(page, 'the same in snow');
    await statusIs(page, 'pending');
    is(sql(`SELECT p.chain_position FROM renders r JOIN renders p ON p.id = r.parent_render_id WHERE r.id = '${id}'`), '1', 'it comes from the render that was chosen');
    await page.locator('.frame .from').getByText('from 1').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await statusIs(page, 'cancelled');
    is(sql(`SELECT status FROM renders WHERE id = '${id}'`), 'cancelled', 'a click cancels');
    await page.getByRole('button', { name: 'Retry' }).click();
    await statusIs(page, 'pending');
    claim();
    stages(id, ['image_generation', 'running']);
    await badgeIs(page, 'image_generation', 'running');
    ok(true, 'another starts it again');
    sql(`SELECT renderchain.fail_render('${id}', attempt, '{"message": "the model refused it: <i>no</i>"}', false) FROM render_jobs WHERE render_id = '${id}'`);
    await statusIs(page, 'failed');
    like(await page.locator('.picture .problem').innerText(), /the model refused it: <i>no<\/i>\./i, 'why it failed is said');
    await accessible(page, 'a render that failed');
    ok(second !== id, 'a render of its own');
}

async function files(page) {
    await page.locator('.slot input').first().setInputFiles([photo, photo]);
    await page.locator('.slot').nth(1).locator('input').setInputFiles(photo);
    is(await page.locator('.thumb').count(), 3, 'chosen images are shown');
    await page.getByRole('button', { name: /^Remove/ }).first().click();
    is(await page.locator('.thumb').count(), 2, 'and can be removed');
    await page.locator('.composer').evaluate((form) => {
        const data = new DataTransfer();
        data.items.add(new File(['x'], 'x.txt', { type: 'text/plain' }));
        form.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    like(await page.locator('.composer [role=alert]').innerText(), /PNG, JPEG and WebP/, 'what is no image is refused in words');
    await page.locator('.composer').evaluate(async (form, base64) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], 'dropped.png', { type: 'image/png' }));
        form.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    }, readFileSync(photo).toString('base64'));
    is(await page.locator('.thumb').count(), 3, 'dropped images are taken');
    const id = await submit(page, 'like these');
    is(sql(`SELECT jsonb_array_length(settings -> 'references') || ' ' || (settings ? 'style') FROM renders WHERE id = '${id}'`), '2 true', 'they come with the render');
    is(await page.locator('.thumb').count(), 0, 'and the form is ready for the next');
    await statusIs(page, 'pending');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await statusIs(page, 'cancelled');
}

/* Browsers open six connections to a server: many renders that run must leave some. */
async function many({ page, seen }) {
    const chain = page.url().match(/chains\/([0-9a-f-]{36})/)[1];
    const ids = sql(`SELECT renderchain.submit_own('{"prompt": "many", "chainId": "${chain}"}', '${user}') ->> 'renderId' FROM generate_series(1, 8)`).split('\n');
    sql(`SELECT renderchain.save_memory(id, '{"palette": {"no": "list"}}') FROM renders WHERE chain_id = '${chain}' AND status = 'completed'`);
    await page.goto(`${url}/#/chains/${chain}`);
    const before = seen.requests.length;
    const streams = () => seen.requests.slice(before).filter((request) => request.endsWith('/events'));
    await page.reload();
    await statusIs(page, 'pending');
    await until(() => streams().length > 0, 'they are followed');
    await page.locator('.film img').first().scrollIntoViewIfNeeded();
    await until(() => page.locator('.film img').first().evaluate((image) => image.naturalWidth === 320), 'pictures come, too');
    is(streams(), [`${url}/api/chains/${chain}/events`], 'many renders are followed on one stream');
    sql(`SELECT renderchain.cancel_render(id::uuid) FROM unnest('{${ids}}'::text[]) id`);
    await until(async () => await page.locator('.frame[data-status=pending]').count() === 0, 'the end of each is seen');
    ok(true, 'and the end of all is seen');
}

/* What is submitted elsewhere comes by itself: to a page that never looks again, as its timer for that
 * does not go off. */
async function elsewhere(browser, chain) {
    const visit = await open(browser);
    const { page } = visit;
    const submitted = () => sql(`SELECT renderchain.submit_own('{"prompt": "elsewhere", "chainId": "${chain}"}', '${user}') ->> 'renderId'`);
    await page.addInitScript(() => {
        const begin = window.setInterval;
        window.setInterval = (what, milliseconds, ...more) => (milliseconds >= 15000 ? 0 : begin(what, milliseconds, ...more));
    });
    await signIn(page, url, token);
    await page.locator('.chain-row').first().waitFor();
    await page.goto(`${url}/#/chains/${chain}`);
    await page.locator('.frame').first().waitFor();
    const frames = await page.locator('.frame').count();
    const id = submitted();
    await statusIs(page, 'pending');
    is(await page.locator('.frame').count(), frames + 1, 'a render that was submitted elsewhere has a frame');
    is(await page.locator('.render .prompt').innerText(), 'elsewhere', 'and is looked at, as it is the last');
    claim();
    await statusIs(page, 'processing');
    stages(id, ['semantic_parsing', 'running']);
    await badgeIs(page, 'semantic_parsing', 'running');
    stages(id, ['semantic_parsing', 'success'], ['image_generation', 'running']);
    await badgeIs(page, 'image_generation', 'running');
    is((await badges(page)).storage, 'waiting', 'with its stages, also those to come');
    complete(id, 'aa/picture-3.png', { palette: ['deep navy #1f2a44'], materials: ['slate'] });
    await statusIs(page, 'completed');
    await until(() => page.locator('.picture img').evaluate((image) => image.naturalWidth === 320), 'its picture is there');
    const other = submitted();
    await page.locator('.frame[data-status=pending]').waitFor();
    sql(`SELECT renderchain.cancel_render('${other}')`);
    await page.locator('.frame[data-status=pending]').waitFor({ state: 'detached' });
    await until(async () => /cancelled/.test(await page.locator('#status').textContent()), 'its end is announced');
    sql(`SELECT renderchain.retry_render('${other}')`);
    await statusIs(page, 'pending');
    ok(true, 'and so is one that is started again');
    sql(`SELECT renderchain.cancel_render('${other}')`);
    await statusIs(page, 'cancelled');
    quiet(visit, url, token, 'elsewhere');
    await visit.context.close();
}

async function credits(page) {
    sql(`SELECT renderchain.grant_credits('${user}', 1, 'a gift')`);
    await page.reload();
    await page.getByText('1 credit', { exact: true }).waitFor();
    ok(true, 'credits are shown');
    await page.getByLabel('Quality').selectOption('ultra');
    await page.getByLabel('What should it show?').fill('too dear');
    await page.getByRole('button', { name: 'Render' }).click();
    like(await page.locator('.composer [role=alert]').innerText(), /credits/i, 'what is refused is said in words');
    is(await page.getByLabel('What should it show?').inputValue(), 'too dear', 'and nothing that was written is lost');
    await page.locator('.composer').evaluate((form) => form.reset());
}

/* ---- everywhere else ---- */

async function everywhere(browser, chainUrl) {
    for (const [name, options] of [['desktop, dark', { colorScheme: 'dark' }], ['phone', PHONE], ['phone, dark', { ...PHONE, colorScheme: 'dark' }],
        ['reduced motion', { reducedMotion: 'reduce' }]]) {
        const visit = await open(browser, options);
        const { page } = visit;
        await page.goto(url);
        await page.getByLabel('Token').waitFor();
        await accessible(page, `sign in, ${name}`);
        await fits(page, `sign in, ${name}`);
        await signIn(page, url, token);
        await page.locator('.frame').first().waitFor();
        await accessible(page, `chains, ${name}`);
        await fits(page, `chains, ${name}`);
        await page.goto(chainUrl);
        await page.locator('.memory .chip').first().waitFor();
        await accessible(page, `a chain, ${name}`);
        await fits(page, `a chain, ${name}`);
        quiet(visit, url, token, name);
        await visit.context.close();
    }
}

/* A session ends with its tab, unless its owner wants it to stay; it ends for good by signing out. */
async function sessions(browser) {
    const visit = await open(browser);
    const { page, context } = visit;
    await signIn(page, url, token);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    is(await page.evaluate(() => [sessionStorage.length, localStorage.length]), [1, 0], 'a token is kept for its tab');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(page, url, token, { stays: true });
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    const other = await context.newPage();
    await other.goto(url);
    await other.getByRole('button', { name: 'Sign out' }).waitFor();
    ok(true, 'or for all tabs, where that is wanted');
    await other.getByRole('button', { name: 'Sign out' }).click();
    await other.getByLabel('Token').waitFor();
    is(await other.evaluate(() => [sessionStorage.length, localStorage.length]), [0, 0], 'signing out forgets it');
    await context.close();
}

/* Chains that cannot be had now are asked for again. */
async function comesBack(browser) {
    const { page, context } = await open(browser);
    await page.clock.install();
    await page.route('**/api/chains', (route) => route.abort());
    await signIn(page, url, token);
    await page.getByRole('alert').waitFor();
    like(await page.getByRole('alert').innerText(), /The server cannot be reached\./, 'a server that is away is said');
    await page.unroute('**/api/chains');
    await page.clock.fastForward(15000);
    await page.locator('.chain-row').first().waitFor();
    ok(true, 'chains come when it is back');
    await context.close();
}

/* A token that is revoked ends the session, in words; servers know it for a few seconds more. */
async function revoked(browser) {
    const { page, context } = await open(browser);
    await signIn(page, url, token);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    sql(`SELECT renderchain.revoke_token(encode(sha256('${token}'), 'hex'))`);
    await until(async () => {
        await page.reload();
        await page.getByRole('button', { name: /^(Render|Sign in)$/ }).waitFor();
        return await page.getByRole('button', { name: 'Sign in' }).isVisible();
    }, 'the token is not good any more');
    like(await page.getByRole('alert').innerText(), /The token is not valid\./, 'a session ends with its token, in words');
    is(await page.evaluate(() => sessionStorage.length), 0, 'which is forgotten');
    await context.close();
}

await run(async () => {
    const browser = await launch();
    await strangers(browser);
    const visit = await open(browser);
    const { page } = visit;
    await watches(page, await byKeyboard(page));
    const second = await pins(page);
    await branches(page, second);
    await files(page);
    await many(visit);
    await elsewhere(browser, page.url().match(/chains\/([0-9a-f-]{36})/)[1]);
    quiet(visit, url, token, 'all the way');
    await credits(page);
    is(visit.seen.errors, [], 'nothing breaks');
    await everywhere(browser, page.url());
    await sessions(browser);
    await comesBack(browser);
    await revoked(browser);
    await browser.close();
});
