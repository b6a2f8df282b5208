// The pictures of the documents: a report, and the page with a render on its way, completed, and on
// a phone (tools/screenshots).
import { join } from 'node:path';
import { launch, open, signIn } from './lib/browser.mjs';
import { claim, sql, stages, until } from './lib/tap.mjs';

const { URL: url, TOKEN: token, REPORT: report, IMAGES: images } = process.env;
const SCHEMES = [['', 'light'], ['-dark', 'dark']];

const shoot = (page, name) => page.screenshot({ path: join(images, `${name}.jpg`), type: 'jpeg', quality: 78 });

/* Wait until every picture that can be seen is there. */
async function settled(page) {
    await until(() => page.evaluate(async () => {
        const seen = [...document.querySelectorAll('img')].filter((image) => {
            const { left, right, top, bottom } = image.getBoundingClientRect();
            return right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
        });
        const decoded = await Promise.allSettled(seen.map((image) => image.decode()));
        return decoded.every(({ status }) => status === 'fulfilled');
    }), 'the pictures are there');
    await page.mouse.move(0, 0);
    await page.evaluate(() => new Promise((painted) => { requestAnimationFrame(() => requestAnimationFrame(painted)); }));
}

const browser = await launch();
const chain = sql(`SELECT id FROM render_chains WHERE name = 'villa'`);
const second = sql(`SELECT id FROM renders WHERE chain_id = '${chain}' AND chain_position = 2`);

async function shots(suffix, colorScheme) {
    const { page, context } = await open(browser, { colorScheme });
    await page.setViewportSize({ width: 1280, height: 1900 });
    await page.goto(`file://${report}`);
    await settled(page);
    await shoot(page, `report${suffix}`);
    await page.setViewportSize({ width: 1280, height: 1230 });
    await signIn(page, url, token);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await page.goto(`${url}/#/chains/${chain}/${second}`);
    await page.locator('.chip').first().waitFor();
    await page.evaluate(() => document.activeElement.blur());
    await settled(page);
    await shoot(page, `page${suffix}`);
    await page.goto(`${url}/`);
    await page.locator('.frame').nth(5).waitFor();
    await settled(page);
    await shoot(page, `chains${suffix}`);
    await context.close();
}

/* A phone, while a render runs. */
async function phone() {
    const { page, context } = await open(browser, { viewport: { width: 360, height: 880 }, deviceScaleFactor: 2 });
    await signIn(page, url, token);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await page.goto(`${url}/#/chains/${chain}`);
    await page.locator('.chip').first().waitFor();
    await page.getByLabel('What should it show?').fill('the same, seen from the garden');
    await page.getByLabel('Quality').selectOption('high');
    await page.getByRole('button', { name: 'Render' }).click();
    await page.locator('.status[data-status=pending]').waitFor();
    const [id] = Object.keys(claim());
    stages(id, ['semantic_parsing', 'success', { durationMs: 412 }], ['model_routing', 'success'], ['prompt_optimization', 'success', { durationMs: 1830 }],
        ['image_generation', 'running']);
    await page.locator('.badge[data-stage=image_generation][data-status=running]').waitFor();
    await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
    await settled(page);
    await shoot(page, 'phone');
    await context.close();
}

for (const [suffix, scheme] of SCHEMES)
    await shots(suffix, scheme);
await phone();
await browser.close();
