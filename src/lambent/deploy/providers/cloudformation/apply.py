"""Planning and applying: the template, the change set of it, and its execution.

Whatever state an earlier command, or its end, has left the stack in is dealt with first (`_ready`). What is made for a
plan is removed again however it ends; what has begun at the endpoint goes on there, whatever becomes of this process.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from lambent.deploy.errors import ProviderError
from lambent.deploy.names import stack_name
from lambent.deploy.plan import Plan
from lambent.deploy.providers.cloudformation import change_sets
from lambent.deploy.providers.cloudformation.artefacts import Artefacts
from lambent.deploy.providers.cloudformation.changes import changes_of
from lambent.deploy.providers.cloudformation.failures import mend_of, told_of
from lambent.deploy.providers.cloudformation.ownership import check_owner, tags_of, template_of_stack
from lambent.deploy.providers.cloudformation.stack import (
    LOST,
    REVIEW,
    STUCK,
    Following,
    State,
    deleted,
    newest_event,
    state_of,
)
from lambent.deploy.providers.provider import Outcome, Silence
from lambent.deploy.render import Target, template_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambent.deploy.providers.access import Access
    from lambent.deploy.providers.cloudformation.change_sets import ChangeSet
    from lambent.deploy.providers.provider import Deployment, Watch


class Apply:
    """One deployment to one endpoint."""

    def __init__(
        self, provider: str, access: Access, deployment: Deployment, watch: Watch, *, bucket: str | None
    ) -> None:
        self._provider = provider
        self._access = access
        self._deployment = deployment
        self._watch = watch
        self._app = deployment.manifest.app
        self._stage = deployment.stage.name
        self._stack = stack_name(self._app, self._stage)
        self._artefacts = Artefacts(access, self._stack, bucket)
        self._notes: list[str] = []
        self._former: dict[str, Any] | None = None

    def plan(self) -> Plan:
        """The plan, with nothing left behind."""
        state = self._ready(applying=False)
        with self._change_set(state) as (change_set, template):
            return self._plan(state, change_set, template)

    def run(self, confirm: Callable[[Plan], bool]) -> Outcome:
        """Plans, asks, uploads, executes, and waits for the end."""
        state = self._ready(applying=True)
        with self._change_set(state) as (change_set, template):
            plan = self._plan(state, change_set, template)
            if plan.empty or change_set.id is None:
                return Outcome(plan=plan, outputs={} if state is None else state.outputs)
            self._watch.planned(plan)
            if not confirm(plan):
                return Outcome(plan=plan, confirmed=False)
            self._artefacts.upload(
                self._deployment.build, self._watch, former=self._deployed(state).get("Resources", {})
            )
            ended = self._execute(change_set)
        return Outcome(plan=plan, outputs=ended.outputs)

    # ---------------------------------------------------------------- before

    def _ready(self, *, applying: bool) -> State | None:
        """The stack when a change set can be made for it; None when there is none. A plan changes nothing for that."""
        self._watch.phase(f"Looking at {self._stack}")
        continued = owned = False
        while True:
            state = state_of(self._access, self._stack)
            if state is None:
                return None
            if state.status != REVIEW and not owned:
                check_owner(self._access, state, self._app, self._stage)
                owned = True
            if state.busy:
                self._wait(state)
            elif state.status == REVIEW:
                if change_sets.sweep(self._access, state.id):
                    return state
                # Nothing is in it but what a killed command has begun.
                deleted(self._access, state, Silence())
            elif state.status in LOST:
                self._note(
                    f"{self._stack} is {state.status}: its creation failed. What is left of it is deleted first."
                    if state.status != "DELETE_FAILED"
                    else f"{self._stack} is DELETE_FAILED: its deletion is completed first."
                )
                if not applying:
                    return state
                deleted(self._access, state, self._watch)
            elif state.status == STUCK:
                if not applying:
                    raise ProviderError(
                        f"{self._stack} is {STUCK}: its last update failed, and so did the way back",
                        hint="`lambent deploy apply` completes the way back first.",
                    )
                self._continue(state, again=continued)
                continued = True
            else:
                change_sets.sweep(self._access, state.id)
                return state

    def _wait(self, state: State) -> None:
        text = f"{self._stack} is {state.status}: something else is changing it. Waiting for its end."
        self._notes.append(text)
        following = Following(self._access, state.id, self._watch, after=newest_event(self._access, state.id))
        following.until_over(
            before=text, going_on="This command waits. Ctrl-C again ends it: nothing of it has begun."
        )

    def _continue(self, state: State, *, again: bool) -> None:
        if again:
            raise ProviderError(
                f"{self._stack} cannot complete the way back: {state.reason or 'it is still ' + STUCK}",
                hint="Mend what is said there, or delete the stack: lambent deploy destroy",
            )
        self._note(f"{self._stack} is {STUCK}: the way back is completed first.")
        following = Following(self._access, state.id, self._watch, after=newest_event(self._access, state.id))
        client, token = self._access.client("cloudformation"), _token()
        ended = following.until_over(
            begin=lambda: client.continue_update_rollback(StackName=state.id, ClientRequestToken=token),
            going_on=f"{self._access.of} goes on with it. Ctrl-C again leaves it alone.",
        )
        if ended.status == STUCK:
            raise ProviderError(
                f"{self._stack} cannot complete the way back: {told_of(following.steps, ended)}",
                hint="Mend that and repeat the command, or delete the stack: lambent deploy destroy",
            )

    # ---------------------------------------------------------------- the change set

    @contextlib.contextmanager
    def _change_set(self, state: State | None) -> Iterator[tuple[ChangeSet, dict[str, Any]]]:
        """A change set for the time of the block, and its template. What was made for it and not executed goes."""
        self._watch.phase("Asking what changes")
        template = self._template()
        new = state is None or state.status == REVIEW
        if state is not None and state.status in LOST:
            # A plan for a stack that has to be deleted first: everything will be new.
            yield change_sets.ChangeSet(id="", stack_id=state.id, changes=_all_new(template)), template
            return
        body = json.dumps(template, separators=(",", ":"), ensure_ascii=False).encode()
        named, key = self._artefacts.template(body, self._watch)
        made: ChangeSet | None = None
        try:
            made = change_sets.create(
                self._access,
                self._stack,
                named,
                kind="CREATE" if new else "UPDATE",
                tags=tags_of(self._app, self._stage),
                # Those of a protected stage stay when it is destroyed: the next one has them again.
                take_existing=self._deployment.stage.protected,
            )
            yield made, template
        finally:
            with contextlib.suppress(Exception):
                if key is not None:
                    self._artefacts.remove(key)
                self._clean(made, new=new)

    def _clean(self, made: ChangeSet | None, *, new: bool) -> None:
        state = state_of(self._access, self._stack)
        if state is None:
            return
        if state.status == REVIEW:
            if made is not None and made.id:
                change_sets.delete(self._access, made.id, made.stack_id)
            if new and not change_sets.sweep(self._access, state.id):
                deleted(self._access, state, Silence())
        elif not state.busy and made is not None and made.id:
            change_sets.delete(self._access, made.id, made.stack_id)

    def _template(self) -> dict[str, Any]:
        build = self._deployment.build
        return template_of(
            self._deployment.manifest,
            Target(
                stage=self._deployment.stage,
                code={name: self._artefacts.location(artefact) for name, artefact in build.units.items()},
                layers={name: self._artefacts.location(artefact) for name, artefact in build.layers.items()},
                unit_layers=build.unit_layers,
            ),
        )

    def _plan(self, state: State | None, change_set: ChangeSet, template: dict[str, Any]) -> Plan:
        return Plan(
            app=self._app,
            stage=self._stage,
            stack=self._stack,
            provider=self._provider,
            region=self._access.region,
            account=self._access.account,
            endpoint=self._access.endpoint_url or "",
            status=None if state is None or state.status == REVIEW else state.status,
            changes=changes_of(change_set.changes, lambda: self._deployed(state), template),
            notes=tuple(self._notes),
            others=change_set.id is not None and not change_set.changes,
        )

    def _deployed(self, state: State | None) -> dict[str, Any]:
        """The template that is deployed, read once; an empty one where none is."""
        if self._former is None:
            self._former = {}
            if state is not None and state.status != REVIEW:
                body = template_of_stack(self._access, state.id)
                # One that another tool has sent as YAML is not compared.
                self._former = body if isinstance(body, dict) else {}
        return self._former

    # ---------------------------------------------------------------- doing it

    def _execute(self, change_set: ChangeSet) -> State:
        assert change_set.id
        client = self._access.client("cloudformation")
        following = Following(
            self._access,
            change_set.stack_id,
            self._watch,
            after=newest_event(self._access, change_set.stack_id),
        )
        self._watch.phase(f"Deploying {self._stack}")
        token = _token()
        ended = following.until_over(
            begin=lambda: client.execute_change_set(
                ChangeSetName=change_set.id,
                StackName=change_set.stack_id,
                ClientRequestToken=token,
                # What a protected stage keeps is kept when it leaves the stack, not when its creation fails: it
                # would be in the way of the next attempt.
                RetainExceptOnCreate=True,
            ),
            going_on=f"{self._access.of} goes on with it by itself, and rolls back if something fails. "
            "Ctrl-C again leaves it alone; `lambent deploy info` shows how it ended, and `apply` again waits for it.",
        )
        if ended.succeeded:
            return ended
        raise self._failure(following, ended)

    def _failure(self, following: Following, ended: State) -> ProviderError:
        cause = told_of(following.steps, ended)
        if ended.status in ("ROLLBACK_COMPLETE", "CREATE_FAILED"):
            # Nothing is in a stack that was rolled back, and nothing can be done with it.
            after = "What had been made is removed again."
            try:
                deleted(self._access, ended, self._watch)
            except ProviderError as error:
                after = f"Not all that had been made is removed: {error.message}"
        elif ended.status == "UPDATE_ROLLBACK_COMPLETE":
            after = "Everything is as it was before."
        else:
            after = f"The stack is {ended.status}; the next apply deals with that."
        return ProviderError(f"{cause}\n{after}", hint=mend_of(following.steps))

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self._watch.note(text)


def _all_new(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"ResourceChange": {"Action": "Add", "LogicalResourceId": logical, "ResourceType": resource["Type"]}}
        for logical, resource in template["Resources"].items()
    ]


def _token() -> str:
    return f"lambent-{uuid.uuid4()}"
