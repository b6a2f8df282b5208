// The page with a worker and the local models, the whole way: a photo in, stages that come and go, a
// picture out, a colour that is pinned and is in the next picture, a video.
import { launch, open, quiet, signIn } from './lib/browser.mjs';
import { is, ok, run, sql, until } from './lib/tap.mjs';

const { URL: url, TOKEN: token, PHOTO: photo } = process.env;

/* Keep what each badge has said, from before the page begins. */
async function keepBadges(page) {
    await page.addInitScript(() => {
        window.said = {};
        new MutationObserver((changes) => {
            for (const { target } of changes) {
                const { stage, status } = target.dataset;
                if (stage && window.said[stage]?.at(-1) !== status)
                    window.said[stage] = [...(window.said[stage] ?? []), status];
            }
        }).observe(document, { attributes: true, attributeFilter: ['data-status'], subtree: true });
    });
}

async function completed(page, heading) {
    await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    await page.locator('.render-head .status[data-status=completed], .render-head .status[data-status=failed]').waitFor();
    is(await page.locator('.render-head .status').getAttribute('data-status'), 'completed', `${heading} is completed`);
}

await run(async () => {
    const browser = await launch();
    const visit = await open(browser);
    const { page } = visit;
    await keepBadges(page);
    await signIn(page, url, token);
    await page.getByLabel('What should it show?').fill('modern concrete house with oak door, morning');
    await page.locator('.slot input').first().setInputFiles(photo);
    await page.getByLabel('Name of the chain').fill('villa');
    await page.getByRole('button', { name: 'Render' }).click();
    await completed(page, 'Render 1');
    await until(() => page.locator('.picture img').evaluate((image) => image.naturalWidth > 500), 'the picture is there');
    ok(true, 'a picture is there');
    const said = await page.evaluate(() => window.said);
    for (const stage of ['image_understanding', 'image_generation', 'memory_extraction', 'storage'])
        ok(said[stage]?.at(-1) === 'success', `${stage} was seen to its end`, said);
    ok(said.image_generation?.includes('running'), 'generation was seen to run', said);

    const chip = page.locator('.chip').first();
    const colour = await chip.getAttribute('title');
    await chip.click();
    await until(async () => await page.locator('.chip').first().getAttribute('aria-pressed') === 'true', 'it is pinned');
    await page.getByLabel('What should it show?').fill('the same at dusk');
    await page.getByRole('button', { name: 'Render' }).click();
    await completed(page, 'Render 2');
    const palette = JSON.parse(sql(`SELECT context_data #> '{pipelineMemory,palette}' FROM renders WHERE chain_position = 2`));
    ok(palette.length === 1 && palette[0].endsWith(colour), 'the pinned colour is what the next render remembers', palette, colour);
    ok(sql(`SELECT metadata ->> 'optimizedPrompt' FROM renders WHERE chain_position = 2`).includes(colour), 'and what it was drawn with');
    is(await page.locator('.chip').first().getAttribute('title'), colour, 'and what is shown of it');
    await page.locator('.line circle').waitFor();
    ok(true, 'its consistency is a dot on the line');

    await page.getByLabel('Video', { exact: true }).check();
    await page.getByLabel('Quick', { exact: true }).check();
    await page.getByLabel('Duration').selectOption('4');
    await page.getByLabel('What should it show?').fill('slow dolly towards the door');
    await page.getByRole('button', { name: 'Render video' }).click();
    await completed(page, 'Video 3');
    await until(() => page.locator('.picture video').evaluate((video) => video.videoWidth > 0 && Math.round(video.duration) === 4), 'the video can be played');
    ok(true, 'a video is there');
    quiet(visit, url, token, 'all the way');
    await browser.close();
});
