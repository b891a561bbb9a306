import { clsx } from 'clsx';
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { copyText } from '../lib/clipboard';
import { Button } from './Button';

/** Copies a text and says so. */
export function CopyButton({ text, label = 'Copy', className }: { text: string; label?: string; className?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <Button className={className} onClick={async () => setCopied(await copyText(text))}>
      {copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      <span aria-live="polite">{copied ? 'Copied' : label}</span>
    </Button>
  );
}

/** Text to be read letter by letter, with a button that copies it. */
export function Code({ text, label, className }: { text: string; label: string; className?: string }) {
  return (
    <figure className={clsx('min-w-0 rounded-md border border-line bg-sunken', className)}>
      <figcaption className="flex items-center justify-between border-b border-line pl-3 text-xs text-text-3">
        {label}
        <CopyButton text={text} />
      </figcaption>
      <pre tabIndex={0} aria-label={label} className="overflow-auto p-3 font-mono text-xs leading-5 whitespace-pre-wrap [overflow-wrap:anywhere]">
        {text}
      </pre>
    </figure>
  );
}
