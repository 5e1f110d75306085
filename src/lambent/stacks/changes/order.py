"""The order in which resources are compared: what others refer to first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.stacks.changes.references import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lambent.stacks.template import Resource


def names_in(resource: Resource, conditions: Mapping[str, bool]) -> frozenset[str]:
    """All that a resource refers to, by name."""
    return frozenset(
        reference.name
        for value in (
            resource.properties,
            resource.metadata,
            resource.creation_policy,
            resource.update_policy,
        )
        for reference in references(value, conditions)
    )


def ordered(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The keys, each behind those of its names that are keys too. However long a chain is: nothing calls itself."""
    done: dict[str, None] = {}
    for start in needs:
        if start in done:
            continue
        waiting: list[tuple[str, Iterator[str]]] = [(start, iter(needs[start]))]
        begun = {start}
        while waiting:
            name, others = waiting[-1]
            for other in others:
                if other in needs and other not in done and other not in begun:
                    begun.add(other)
                    waiting.append((other, iter(needs[other])))
                    break
            else:
                done[name] = None
                waiting.pop()
    return list(done)
