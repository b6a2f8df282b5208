// A browser for tests: what it complains of and what it asks for is kept, to be looked at in the end.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { ok, timeout } from './tap.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });

/* Open a page of its own session. */
export async function open(browser, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(timeout);
    const page = await context.newPage();
    const seen = { console: [], errors: [], requests: [], bytes: 0 };
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type()))
            seen.console.push(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => seen.errors.push(error.stack));
    page.on('request', (request) => seen.requests.push(request.url()));
    return { page, context, seen };
}

/* Sign in by the form. */
export async function signIn(page, url, token, { stays = false } = {}) {
    await page.goto(url);
    await page.getByLabel('Token').fill(token);
    if (stays)
        await page.getByLabel('Stay signed in').check();
    await page.getByRole('button', { name: 'Sign in' }).click();
}

/* Look for what shuts people out; name says where. */
export async function accessible(page, name) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    const bad = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
    ok(bad.length === 0, `nothing shuts people out: ${name}`,
        bad.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 4).map((node) => [node.html.slice(0, 200), node.failureSummary]) })));
}

/* Nothing is wider than the window. */
export async function fits(page, name) {
    const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    ok(wide <= window, `nothing is wider than the window: ${name}`, `${wide} > ${window}`);
}

/* All that was asked for is of one server, and nothing was complained of. */
export function quiet({ seen }, url, token, name) {
    const foreign = seen.requests.filter((request) => !request.startsWith(`${url}/`) && !request.startsWith(`blob:${url}/`));
    ok(foreign.length === 0, `no request to elsewhere: ${name}`, foreign);
    ok(!seen.requests.some((request) => request.includes(token)), `no token in an address: ${name}`);
    ok(seen.errors.length + seen.console.length === 0, `no complaints: ${name}`, seen.errors, seen.console);
}
