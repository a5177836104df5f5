import { type ContainerCgroup, type Labels, makerOf, type Names, type Starts } from '../container.ts';
import { isNamed, type Naming, NO_NAMES } from '../engines/naming.ts';
import { Makers } from '../makers.ts';
import { labelsOf, shortId } from './labels.ts';
import { isPause, isSandbox } from './pod-sandbox.ts';

/** How long the starts of a container are kept after it is gone, in ms: longer than any back-off between two starts. */
const KEEP_MS = 3_600_000;

/** How long a container that is gone may still get its name, in ms: longer than most scrape intervals. */
const NAME_MS = 120_000;

/** How often to look for the names of containers that are gone, in ms. */
const LOOK_MS = 1_000;

/** Limits the memory for containers that are gone, and for those of them without a name. Whoever made most loses them first. */
const MOST_KEPT = 10_000;
const MOST_UNNAMED = 1_000;

/** The starts of all containers with the same labels. */
interface Total {
  readonly labels: Labels;
  /** Who made the last container. If the host's root made any, it keeps them. */
  maker: string;
  starts: number;
  /** How many containers have been counted here. */
  lives: number;
  live: number;
}

/** A container whose starts are counted. */
interface Life {
  readonly cgroup: ContainerCgroup;
  /** Those that are in the total, or will be once it has one. */
  starts: number;
  names: Names | undefined;
  total: Total | undefined;
}

/**
 * Counts how often containers were started, by their labels, so that a container in a crash loop is one growing number, even if
 * it never lives until a scrape. A container that is gone stays known for an hour, but only one that was started more than once is
 * exported then.
 */
export class ContainerStarts implements Disposable {
  readonly #naming: Pick<Naming, 'namesOf' | 'want' | 'forget'>;
  readonly #lives = new Map<ContainerCgroup, Life>();
  readonly #totals = new Map<string, Total>();
  /** The totals without a live container, and when they are dropped; the earliest first. */
  readonly #gone = new Map<string, number>();
  readonly #makersOfGone = new Makers<string>();
  /** Containers that are gone and have no name yet, and until when it may come. */
  readonly #unnamed = new Map<Life, number>();
  readonly #makersOfUnnamed = new Makers<Life>();
  #timer: NodeJS.Timeout | undefined;

  constructor(naming: Pick<Naming, 'namesOf' | 'want' | 'forget'>) {
    this.#naming = naming;
  }

  /** Adds a container. Only one that was started just now counts as a start. */
  appeared(cgroup: ContainerCgroup, how: 'found' | 'started' | 'promoted'): void {
    if (cgroup.match.infra) return;
    this.#lives.set(cgroup, { cgroup, starts: how === 'started' ? 1 : 0, names: undefined, total: undefined });
  }

  /** A container was started again in the same cgroup. */
  restarted(cgroup: ContainerCgroup): void {
    const life = this.#lives.get(cgroup);
    if (life === undefined) return;
    life.starts += 1;
    if (life.total !== undefined) {
      life.total.starts += 1;
      life.total.lives += 1;
    }
  }

  /** Call it after the naming has forgotten the container. */
  removed(cgroup: ContainerCgroup): void {
    const life = this.#lives.get(cgroup);
    if (life === undefined) return;
    this.#look(life);
    this.#lives.delete(cgroup);
    if (life.total !== undefined && isLasting(life)) this.#leave(life.total);
    else if (life.starts > 0) {
      if (life.total !== undefined) this.#drop(life.total);
      life.total = undefined;
      this.#unnamed.set(life, performance.now() + NAME_MS);
      this.#makersOfUnnamed.add(life, makerOf(cgroup.match));
      this.#naming.want(cgroup.match);
      const surplus = this.#unnamed.size > MOST_UNNAMED ? this.#makersOfUnnamed.first() : undefined;
      if (surplus !== undefined) this.#giveUpName(surplus);
      this.#timer ??= setInterval(() => this.#lookForNames(), LOOK_MS).unref();
    } else if (life.total !== undefined) this.#drop(life.total);
  }

  /** The container is none, or of another engine than was guessed. It may appear again. */
  corrected(cgroup: ContainerCgroup): void {
    const total = this.#lives.get(cgroup)?.total;
    this.#lives.delete(cgroup);
    if (total !== undefined) this.#move(total);
  }

  /** The starts of existing containers, and of removed ones that were started more than once. */
  entries(): readonly Starts[] {
    const now = performance.now();
    for (const life of this.#lives.values()) this.#look(life);
    for (const [key, until] of this.#gone) {
      if (until > now) break;
      this.#forgetGone(key);
    }
    const makers = this.#makersOfGone;
    for (let key = makers.first(); key !== undefined && makers.size > MOST_KEPT; key = makers.first()) {
      this.#forgetGone(key);
    }
    return [...this.#totals.values()].filter(({ live, lives }) => live > 0 || lives > 1);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Counts a container under its labels, and again if they have changed. */
  #look(life: Life): void {
    const { match, seenAt } = life.cgroup;
    this.#name(life, this.#naming.namesOf(match, performance.now() - seenAt));
  }

  #name(life: Life, names: Names | undefined): void {
    const { cgroup, total: before } = life;
    if (names === undefined || names === life.names) return;
    life.names = names;
    // Its processes are gone, so that only its names can say.
    const isOnlyPause = isSandbox(cgroup, names) && isPause(names, undefined);
    const labels = labelsOf(cgroup.match, names);
    if (!isOnlyPause && before !== undefined && keyOf(before.labels) === keyOf(labels)) return;
    if (before !== undefined) this.#move(before);
    life.total = isOnlyPause ? undefined : this.#join(labels, life);
    if (isOnlyPause) this.#lives.delete(cgroup);
  }

  #join(labels: Labels, { cgroup, starts }: Life): Total {
    const key = keyOf(labels);
    const maker = makerOf(cgroup.match);
    const total = this.#totals.get(key) ?? { labels, maker, starts: 0, lives: 0, live: 0 };
    if (total.maker !== '') total.maker = maker;
    this.#totals.set(key, total);
    this.#isNotGone(key);
    total.starts += starts;
    total.lives += 1;
    total.live += 1;
    return total;
  }

  /** A container leaves these labels, and is not removed. What was counted stays, unless it was nobody else's. */
  #move(total: Total): void {
    if (total.lives > 1) this.#leave(total);
    else this.#drop(total);
  }

  #leave(total: Total): void {
    total.live -= 1;
    if (total.live > 0) return;
    const key = keyOf(total.labels);
    this.#gone.set(key, performance.now() + KEEP_MS);
    this.#makersOfGone.add(key, total.maker);
  }

  #isNotGone(key: string): void {
    this.#gone.delete(key);
    this.#makersOfGone.delete(key);
  }

  #forgetGone(key: string): void {
    this.#isNotGone(key);
    this.#totals.delete(key);
  }

  #drop(total: Total): void {
    if (total.live > 1) {
      total.live -= 1;
      return;
    }
    this.#forgetGone(keyOf(total.labels));
  }

  /** A container that is gone has a name if an engine or a log file still knows it. */
  #lookForNames(): void {
    const now = performance.now();
    for (const [life, until] of this.#unnamed) {
      const { match, seenAt } = life.cgroup;
      const names = this.#naming.namesOf(match, now - seenAt) ?? NO_NAMES;
      if (!isNamed(names) && now < until) continue;
      if (isNamed(names)) this.#name(life, names);
      if (life.total !== undefined) this.#leave(life.total);
      this.#giveUpName(life);
    }
    if (this.#unnamed.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #giveUpName(life: Life): void {
    const { match } = life.cgroup;
    this.#unnamed.delete(life);
    this.#makersOfUnnamed.delete(life);
    // The same container may have been started again.
    if (![...this.#lives.keys()].some((cgroup) => cgroup.match.id === match.id)) this.#naming.forget(match);
  }
}

/** Whether the next container of its kind will have the same labels: not if it is shown by id. */
function isLasting({ cgroup, names }: Life): boolean {
  return isNamed(names ?? NO_NAMES) || shortId(cgroup.match.id) === cgroup.match.id;
}

function keyOf({ engine, namespace, pod, container }: Labels): string {
  return JSON.stringify([engine, namespace, pod, container]);
}
