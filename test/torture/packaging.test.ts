import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const docker = (...args: string[]): { readonly status: number | null; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync('docker', args, { cwd: ROOT, encoding: 'utf8', timeout: 900_000 });
  return { status, said: `${stdout}${stderr}` };
};
const HAS_DOCKER = docker('info').status === 0;
const IMAGE = `related-pins-test:${process.pid}`;

describe('packaging', () => {
  it('the image runs as an ordinary user, carries no build tools, and says whether it is ready', () => {
    const [, last] = read('Dockerfile')
      .split(/^FROM .*\n/m)
      .slice(1);
    expect(last).toMatch(/^USER (?!root)\w+$/m);
    expect(last).toMatch(/^HEALTHCHECK .*health\/ready/m);
    expect(last).not.toMatch(/apt-get|COPY \. \./);
  });

  it('compose starts the service with a Redis beside it, and asks for a key', () => {
    const { services } = parse(read('compose.yaml')) as {
      services: Record<string, { environment?: Record<string, string>; image?: string }>;
    };
    expect(services['related-pins'].environment).toMatchObject({
      RELATED_PINS_REDIS_URL: 'redis://redis:6379',
      RELATED_PINS_KEYS: expect.stringContaining(':?'),
    });
    expect(services.redis.image).toMatch(/^redis:/);
  });

  it('compose publishes on loopback, asks for a key to read, and takes away what no service needs', () => {
    const { services } = parse(read('compose.yaml')) as { services: Record<string, Record<string, unknown>> };
    expect(services['related-pins'].ports).toEqual(['127.0.0.1:8080:8080']);
    expect(services['related-pins'].environment).toMatchObject({
      RELATED_PINS_READ_KEY_REQUIRED: expect.stringContaining(':-true') as string,
    });
    expect(services.redis.ports).toBeUndefined();
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      expect(service.mem_limit).toBeTruthy();
    }
    // The writer's socket and downloads of the build go to the temporary folder.
    expect(services['related-pins'].tmpfs).toEqual(['/tmp']);
  });

  it('no secret and no data goes into the build of the image', () => {
    const left = read('.dockerignore').split('\n');
    for (const name of ['.env', 'var', '.git', 'photos', 'backups']) expect(left).toContain(name);
  });

  it('the unit restarts what failed, waits for the drain, and may write its own folder only', () => {
    const unit = read('deploy/related-pins.service');
    const hardened = ['StateDirectoryMode=0700', 'UMask=0077', 'CapabilityBoundingSet=', 'PrivateDevices=true', 'LockPersonality=true'];
    const kernel = ['ProtectKernelTunables=true', 'ProtectKernelModules=true', 'ProtectKernelLogs=true', 'ProtectControlGroups=true'];
    const bounds = ['RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX', 'MemoryMax='];
    const own = ['Restart=on-failure', 'ProtectSystem=strict', 'NoNewPrivileges=true', 'StateDirectory=related-pins'];
    for (const line of [...own, ...hardened, ...kernel, ...bounds]) expect(unit).toContain(line);
    expect(Number(/TimeoutStopSec=(\d+)/.exec(unit)?.[1])).toBeGreaterThan(10);
  });

  it.skipIf(!HAS_DOCKER)(
    `the image is built and becomes healthy${HAS_DOCKER ? '' : ' (skipped: no Docker answers here)'}`,
    { timeout: 1_800_000 },
    async () => {
      const built = docker('build', '-t', IMAGE, '.');
      expect(built.status, built.said.slice(-2000)).toBe(0);
      const started = docker('run', '-d', '--rm', '-e', 'RELATED_PINS_KEYS=a-key-for-the-test-of-packaging', IMAGE);
      const container = started.said.trim().split('\n').at(-1) ?? '';
      try {
        await expect
          .poll(() => docker('inspect', '-f', '{{.State.Health.Status}}', container).said.trim(), { timeout: 120_000, interval: 1000 })
          .toBe('healthy');
        expect(docker('exec', container, 'id', '-u').said.trim()).not.toBe('0');
      } finally {
        docker('rm', '-f', container);
        docker('rmi', '-f', IMAGE);
      }
    },
  );
});
