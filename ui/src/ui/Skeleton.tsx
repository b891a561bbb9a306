import { useEffect, useState } from 'react';

/** The shape of what is coming, after a moment: a fast answer should not flicker. */
export function Skeleton({ rows = 3, height = 20, label }: { rows?: number; height?: number; label: string }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={label} className="flex flex-col gap-2 p-3" style={{ minHeight: rows * (height + 8) + 16 }}>
      {shown && Array.from({ length: rows }, (_, index) => <div key={index} className="skeleton" style={{ height, width: `${92 - ((index * 17) % 40)}%` }} />)}
    </div>
  );
}
