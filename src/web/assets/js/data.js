// Talking to the appliance: requests and their problems, the session, and "what has changed" events.
import { t, lang } from './ui.js';

// Of GET /api/v1/session with the user's own members on top: { name, role, lang, theme, csrf, ... }; null
// while nobody is signed in. hello keeps what the server says to anybody (setup_open, lang).
export let session = null;
export let hello = {};
export const mayWork = () => ['operator', 'admin'].includes(session?.role);
export const mayRule = () => session?.role === 'admin';
export const mayLook = () => ['operator', 'auditor', 'admin'].includes(session?.role);

export class Problem extends Error {
	constructor(status, body) {
		super(body.detail || body.title || t('state.failed'));
		Object.assign(this, { status, code: body.code, detail: body.detail, errors: body.errors || [],
			request_id: body.request_id, retry_after: body.retry_after });
	}
}

// Asking too often is answered by waiting, not by an error: ten tabs may open at once.
export async function call(method, path, body, options = {}) {
	const headers = { Accept: 'application/json', 'Accept-Language': document.documentElement.lang };
	if (body !== undefined) headers['Content-Type'] = 'application/json';
	if (method !== 'GET' && session?.csrf) headers['X-CSRF-Token'] = session.csrf;
	for (let tries = 0; ; tries++) {
		let answer, content;
		try {
			answer = await fetch(path, { method, headers, credentials: 'same-origin',
				body: body === undefined ? undefined : JSON.stringify(body) });
			const isJson = (answer.headers.get('Content-Type') || '').includes('json');
			content = answer.status === 204 ? null : isJson ? await answer.json() : {};
		} catch {
			throw new Problem(0, { detail: t('state.unreachable') });
		}
		if (answer.ok) return content;
		const problem = new Problem(answer.status, content);
		if (problem.code === 'too_many_requests' && method === 'GET' && tries < 5) {
			await new Promise((done) => setTimeout(done, 1000 * (problem.retry_after || 1) * (1 + Math.random())));
			continue;
		}
		if (answer.status === 401 && !options.signIn) dispatchEvent(new CustomEvent('signed-out'));
		throw problem;
	}
}
// ?lang= on the page goes along, where it differs from what the appliance knows of this person.
export const get = (path, params) =>
	call('GET', withParams(path, { ...params, lang: session && session.lang !== lang ? lang : null }));

export function withParams(path, params) {
	const query = new URLSearchParams();
	for (const [key, value] of Object.entries(params || {}))
		if (value !== undefined && value !== null && value !== '') query.append(key, value);
	return query.size ? `${path}?${query}` : path;
}

export async function loadSession() {
	hello = await call('GET', '/api/v1/session', undefined, { signIn: true });
	session = hello.user ? { ...hello, ...hello.user } : null;
	return session;
}
export function dropSession() {
	session = null;
	stopLive();
}

// Events. One stream a browser: the tab that holds the lock listens and tells the others; when it closes,
// the next one takes over. tell('poll') stands in for events while the stream is broken.
const TOPICS = ['flows', 'logs', 'jobs', 'sources', 'status', 'rate', 'archive', 'places', 'rescue', 'reset'];
const SILENT_MS = 40000, POLL_MS = 15000;
const channel = new BroadcastChannel('toms-events');
const listeners = new Map(); // topic -> Set of functions
export const live = { state: 'waiting', at: 0 }; // at: when something was last heard, ms
let source = null, letGo = null, watch = 0, retry = 0;

export function on(topics, fn) {
	const asked = [topics].flat();
	for (const topic of asked) {
		if (!listeners.has(topic)) listeners.set(topic, new Set());
		listeners.get(topic).add(fn);
	}
	return () => asked.forEach((topic) => listeners.get(topic).delete(fn));
}
function tell(topic, data) {
	for (const fn of [...listeners.get(topic) || []]) fn(data, topic);
}
function setLive(state) {
	if (state === 'live') live.at = Date.now();
	const before = live.state, changed = before !== state;
	live.state = state;
	dispatchEvent(new CustomEvent('live-state'));
	if (changed && state === 'live' && before === 'stopped') tell('reset'); // what was missed is read again
}
// From the stream (of this tab or another one): { topic, data } or { state }.
function heard(news) {
	if (news.left) return location.assign('/login');
	if (news.topic === 'session') return dispatchEvent(new CustomEvent('signed-out'));
	setLive(news.state || 'live');
	if (news.topic) tell(news.topic, news.data);
}
function share(news) {
	channel.postMessage(news);
	heard(news);
}
export const leaveEverywhere = () => channel.postMessage({ left: true });
channel.onmessage = (ev) => heard(ev.data);

function openStream() {
	source = new EventSource(`/api/v1/events?topics=${TOPICS.concat('session').join(',')}`);
	source.onopen = () => share({ state: 'live' });
	for (const topic of TOPICS) source.addEventListener(topic, (ev) => share({ topic, data: JSON.parse(ev.data || '{}') }));
	source.addEventListener('session', () => { source.close(); share({ topic: 'session' }); });
	source.onerror = () => {
		share({ state: 'stopped' });
		if (source?.readyState === EventSource.CLOSED) retry = setTimeout(reopen, 5000); // refused: the browser gives up, we do not
	};
}
async function reopen() {
	await loadSession().catch(() => null);
	if (!letGo) return;
	if (session) openStream(); else if (hello.user === null) share({ topic: 'session' });
}
export function startLive() {
	if (watch) return;
	live.at = Date.now();
	const turn = new AbortController();
	navigator.locks.request('toms-events', { signal: turn.signal }, () => new Promise((done) => {
		letGo = done;
		openStream();
	})).catch(() => null); // given up before it was ours
	let polled = Date.now();
	watch = setInterval(() => {
		if (live.state !== 'stopped' && Date.now() - live.at > SILENT_MS) setLive('stopped');
		if (live.state !== 'stopped' || Date.now() - polled < POLL_MS) return;
		polled = Date.now();
		tell('poll');
	}, 1000);
	stopLive = () => {
		clearInterval(watch);
		clearTimeout(retry);
		turn.abort();
		source?.close();
		letGo?.();
		watch = 0;
		source = letGo = null;
		stopLive = () => {};
	};
}
let stopLive = () => {};
addEventListener('pagehide', () => stopLive());
addEventListener('pageshow', (ev) => { if (ev.persisted && session) startLive(); });
