// Talking to the appliance: requests with their problems, the session, and "what changed" events.
import { t } from './ui.js';

// Of GET /api/v1/session, with the user's own members on top: { name, role, lang, theme, csrf, ... };
// null while nobody is signed in. hello keeps what the server says to anybody (setup_open, lang).
export let session = null;
export let hello = {};

export class Problem extends Error {
	constructor(status, body) {
		super(body.detail || body.title || t('state.failed'));
		Object.assign(this, { status, code: body.code, detail: body.detail, errors: body.errors || [],
			request_id: body.request_id, retry_after: body.retry_after });
	}
}

export async function call(method, path, body, options = {}) {
	const headers = { Accept: 'application/json' };
	if (body !== undefined) headers['Content-Type'] = 'application/json';
	if (method !== 'GET' && session?.csrf) headers['X-CSRF-Token'] = session.csrf;
	let answer;
	try {
		answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body),
			signal: options.signal, credentials: 'same-origin' });
	} catch (failure) {
		if (failure.name === 'AbortError') throw failure;
		throw new Problem(0, { detail: t('state.unreachable') });
	}
	const isJson = (answer.headers.get('Content-Type') || '').includes('json');
	const content = answer.status === 204 ? null : isJson ? await answer.json() : await answer.text();
	if (answer.ok) return content;
	if (answer.status === 401 && !options.signIn) dispatchEvent(new CustomEvent('signed-out'));
	throw new Problem(answer.status, isJson ? content : {});
}
export const get = (path, params, options) => call('GET', withParams(path, params), undefined, options);

export function withParams(path, params) {
	const query = new URLSearchParams();
	for (const [key, value] of Object.entries(params || {}))
		for (const one of Array.isArray(value) ? value : [value])
			if (one !== undefined && one !== null && one !== '') query.append(key, one);
	return query.size ? `${path}?${query}` : path;
}

export async function loadSession() {
	hello = await call('GET', '/api/v1/session', undefined, { signIn: true });
	session = hello.user ? { ...hello, ...hello.user } : null;
	return session;
}
export function dropSession() { session = null; }

// Events. One stream a browser: the tab that holds the lock listens and tells the others.
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('toms-events') : null;
const listeners = new Map(); // topic -> Set of functions
export const live = { state: 'waiting', at: 0 };
let source = null, lastHeard = 0, started = false;

export function on(topic, fn) {
	if (!listeners.has(topic)) listeners.set(topic, new Set());
	listeners.get(topic).add(fn);
	return () => listeners.get(topic).delete(fn);
}
function tell(topic, data) {
	live.at = Date.now();
	for (const fn of listeners.get(topic) || []) fn(data);
}
function hear(topic, data) {
	lastHeard = Date.now();
	setLive('live');
	tell(topic, data);
	channel?.postMessage({ topic, data });
}
function setLive(state) {
	if (live.state === state) return;
	live.state = state;
	dispatchEvent(new CustomEvent('live-state'));
}
function openStream() {
	source = new EventSource('/api/v1/events?topics=flows,status,rate,session');
	lastHeard = Date.now();
	source.onopen = () => { lastHeard = Date.now(); setLive('live'); };
	for (const topic of ['flows', 'status', 'rate', 'reset'])
		source.addEventListener(topic, (ev) => hear(topic, ev.data));
	source.addEventListener('session', () => { source.close(); dispatchEvent(new CustomEvent('signed-out')); });
	source.onerror = () => {
		if (source?.readyState === EventSource.CLOSED) { source = null; setTimeout(() => started && openStream(), 5000); }
	};
}
export function startLive() {
	if (started) return;
	started = true;
	if (channel) channel.onmessage = (ev) => { lastHeard = Date.now(); setLive('live'); tell(ev.data.topic, ev.data.data); };
	if (navigator.locks) navigator.locks.request('toms-events', () => new Promise(() => openStream()));
	else openStream();
	// Rates come every second while somebody listens. Nothing for 40 s: say so, and let pages poll every 15 s.
	setInterval(() => {
		if (Date.now() - lastHeard < 40000) return;
		setLive('stopped');
		tell('poll', null);
	}, 15000);
}
addEventListener('pagehide', () => source?.close());
