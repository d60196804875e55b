"""The YAML that configuration files are written in, read and written safely.

YAML 1.1 as RecBole reads it, that is with ``1e-3`` a number, on PyYAML's *safe* loader: a file
can make plain values only. A key given twice in one mapping is refused.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

# YAML 1.1 wants a dot in the mantissa and a sign in the exponent; RecBole, like most people, not.
_FLOAT_TAG = "tag:yaml.org,2002:float"
_FLOAT = re.compile(r"[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][-+]?\d+$")
_FIRST = list("-+.0123456789")


class ConfigLoader(yaml.SafeLoader):
    """PyYAML's SafeLoader, with RecBole's floats, and refusing a key given twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of ``node``; ConstructorError where a key stands twice."""
        if isinstance(node, yaml.MappingNode):
            self._refuse_duplicates(node)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """The value of ``node``; an impossible number or date is an error with its line."""
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, OverflowError) as error:
            raise yaml.constructor.ConstructorError(
                None, None, str(error), node.start_mark
            ) from error

    def _refuse_duplicates(self, node: yaml.MappingNode) -> None:
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands there twice", key.start_mark
                )
            seen.add((key.tag, key.value))


class ConfigDumper(yaml.SafeDumper):
    """Writes what ConfigLoader reads back unchanged, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Repeat a shared value instead of pointing at it."""
        return True


for _dialect in (ConfigLoader, ConfigDumper):
    _dialect.add_implicit_resolver(_FLOAT_TAG, _FLOAT, _FIRST)


def dump(values: dict[str, Any]) -> str:
    """``values`` as YAML text, keys sorted: equal values give equal text."""
    text: str = yaml.dump(values, Dumper=ConfigDumper, sort_keys=True, allow_unicode=True)
    return text
