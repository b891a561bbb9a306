/** The nonce under which styles may be added to this page; the editor needs it. Empty while developing. */
export function cspNonce(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');
  const nonce = meta?.nonce ?? '';
  return nonce.startsWith('__') ? '' : nonce;
}
