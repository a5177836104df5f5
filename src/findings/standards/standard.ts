/** A standard, benchmark or catalogue that findings refer to. */
export interface Standard {
  readonly title: string;
  /** The version that the references were checked against. */
  readonly version: string;
  readonly url: string;
  /** What of it concerns a running container, by id. */
  readonly controls: Readonly<Record<string, Control>>;
  /** The parts that do not concern a running container, and that are not in `controls`. */
  readonly outside?: string;
}

export interface Control {
  readonly title: string;
  /** If no finding refers to it: why nothing is checked. Otherwise: how the check differs from the control. */
  readonly note?: string;
  /** If it is not the page of the standard. */
  readonly url?: string;
}
