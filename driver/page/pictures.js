/* Pictures and videos: fetched with the token when they come into view, shown as blobs, and let go
 * of when many others were shown since. */

const KEPT = 60;

export class Pictures {
    #client;
    #urls = new Map(); // path -> promise of a blob's URL; the one shown last is last
    #waiting = new WeakMap();
    #watcher = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: '200px' });

    constructor(client) {
        this.#client = client;
    }

    /* The blob's URL of an output. */
    url(path) {
        let url = this.#urls.get(path);
        this.#urls.delete(path);
        if (!url) {
            url = this.#client.output(path).then((blob) => URL.createObjectURL(blob));
            url.catch(() => this.#urls.delete(path));
        }
        this.#urls.set(path, url);
        for (const old of [...this.#urls.keys()].slice(0, Math.max(0, this.#urls.size - KEPT)))
            this.#drop(old);
        return url;
    }

    #drop(path) {
        this.#urls.get(path).then(URL.revokeObjectURL, () => {});
        this.#urls.delete(path);
    }

    /* Show an output in an img or video, as soon as that can be seen. */
    show(node, path) {
        this.#waiting.set(node, path);
        this.#watcher.observe(node);
        return node;
    }

    #seen(entries) {
        for (const { isIntersecting, target } of entries) {
            if (!isIntersecting)
                continue;
            this.#watcher.unobserve(target);
            this.url(this.#waiting.get(target)).then((url) => {
                target.src = url;
            }, () => {
                target.dataset.missing = '';
                target.alt = 'This picture cannot be had.';
            });
        }
    }

    close() {
        this.#watcher.disconnect();
        for (const path of [...this.#urls.keys()])
            this.#drop(path);
    }
}
