import { setPreference, usePreferences } from '../../lib/preferences';
import { Choice } from '../../ui/Field';
import { Panel } from '../../ui/Panel';

/** How the app looks and acts in this browser. What the server does is in its configuration file. */
export function SettingsPart() {
  const { theme, density, zone, shortcuts, target } = usePreferences();
  return (
    <Panel title="This browser">
      <div className="grid gap-5 p-4 md:grid-cols-2">
        <Choice
          label="Theme"
          value={theme}
          onChange={(value) => setPreference('theme', value)}
          options={[
            ['system', 'As the system'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
        />
        <Choice
          label="Density"
          value={density}
          onChange={(value) => setPreference('density', value)}
          options={[
            ['compact', 'Compact'],
            ['comfortable', 'Comfortable'],
          ]}
        />
        <Choice
          label="Times"
          value={zone}
          onChange={(value) => setPreference('zone', value)}
          options={[
            ['utc', 'UTC'],
            ['local', 'This machine’s zone'],
          ]}
        />
        <Choice
          label="Shortcuts of a single key"
          value={shortcuts}
          onChange={(value) => setPreference('shortcuts', value)}
          options={[
            ['on', 'On'],
            ['off', 'Off'],
          ]}
        />
        <Choice
          label="Freshness to aim for"
          value={target}
          onChange={(value) => setPreference('target', value)}
          options={[
            ['1000', '1 second'],
            ['5000', '5 seconds'],
            ['30000', '30 seconds'],
          ]}
        />
      </div>
    </Panel>
  );
}
