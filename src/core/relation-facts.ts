/** `subject relation object`; ids are `type:id`, a subject may be a set: `type:id#relation`. */
export interface Tuple {
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
}

/**
 * How a relation of an object type is held: by a tuple, by holding one of `from` on it, or through a related object.
 *
 * `unlessDirect` names relations of the same object: whoever holds one of them by a plain tuple (not through a set, not
 * derived) doesn't get the relation through `via` there, and so nothing further that would follow from it. On the rule
 * it blocks all of the relation's `via`, on an entry that one. It is judged for the subject that is asked about, also
 * where a set led to the object. Since it looks only at tuples, never at what is derived, it only takes away steps that
 * are known beforehand: what remains is plain reachability, which has one answer on cycles too.
 */
export interface RelationRule {
  readonly type: string;
  readonly relation: string;
  readonly from: readonly string[];
  /** Held by whoever holds `is` on an object that this object has `relation` to (its parent). */
  readonly via: readonly RelationStep[];
  readonly unlessDirect?: readonly string[];
}

/** A way through a related object. */
export interface RelationStep {
  readonly relation: string;
  readonly is: string;
  readonly unlessDirect?: readonly string[];
}
