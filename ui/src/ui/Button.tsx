import { Link, type LinkProps } from '@tanstack/react-router';
import { clsx } from 'clsx';
import type { ComponentProps, ReactNode } from 'react';

export type ButtonKind = 'primary' | 'outline' | 'quiet' | 'danger';

const KINDS: Record<ButtonKind, string> = {
  primary: 'border border-transparent bg-accent text-on-accent hover:bg-accent-hover',
  outline: 'border border-control bg-surface text-text hover:bg-sunken',
  quiet: 'text-text-2 hover:bg-sunken hover:text-text',
  danger: 'border border-crit bg-surface text-crit hover:bg-crit-tint',
};

/** How anything that acts looks; links that act look the same. */
export const buttonLook = (kind: ButtonKind, className?: string, shape: 'text' | 'icon' = 'text') =>
  clsx(
    'inline-flex h-[var(--ctl)] shrink-0 items-center justify-center gap-1.5 rounded-md text-sm font-medium whitespace-nowrap disabled:opacity-50',
    shape === 'icon' ? 'w-[var(--ctl)]' : 'px-2.5',
    KINDS[kind],
    className,
  );

type ButtonProps = ComponentProps<'button'> & { kind?: ButtonKind };

export function Button({ kind = 'quiet', className, type = 'button', ...rest }: ButtonProps) {
  return <button {...rest} type={type} className={buttonLook(kind, className)} />;
}

/** A button that shows only an icon and is named for those who cannot see it. */
export function IconButton({ label, kind = 'quiet', className, children, ...rest }: ButtonProps & { label: string }) {
  return (
    <button {...rest} type="button" aria-label={label} title={label} className={buttonLook(kind, className, 'icon')}>
      {children}
    </button>
  );
}

/** A link in the shape of a button. */
export function ButtonLink({ kind = 'outline', className, children, ...link }: LinkProps & { kind?: ButtonKind; className?: string; children: ReactNode }) {
  return (
    <Link {...link} className={buttonLook(kind, className)}>
      {children}
    </Link>
  );
}
