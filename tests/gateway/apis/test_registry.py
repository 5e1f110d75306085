"""The registry of APIs on a real database: what is durable, and what stages serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from lambent.gateway.apis import (
    ApiNotFound,
    ApiRegistry,
    deployments,
    integrations,
    models,
    responses,
    routes,
    stages,
)
from lambent.store import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from lambent.gateway.apis.records import Deployment, Route

HERE = ("000000000000", "us-east-1")


def with_registry(path: Path, work: Callable[[Database, ApiRegistry], Awaitable[Any]]) -> Any:
    """Run `work` on the registry in `path`, opened and closed around it."""

    async def run() -> Any:
        database = await open_database(path / "lambent.db", "normal")
        try:
            return await work(database, await ApiRegistry.open(database))
        finally:
            await database.close()

    return uvloop.run(run())


async def new_api(registry: ApiRegistry) -> str:
    """An HTTP API with a route to an integration."""
    definition = await registry.create_api(*HERE, {"name": "shop", "protocol_type": "HTTP"})
    api_id = definition.api.api_id
    integration = await registry.edit(
        *HERE,
        api_id,
        lambda content: integrations.create(
            content,
            {
                "integration_type": "HTTP_PROXY",
                "integration_uri": "http://127.0.0.1:1/",
                "integration_method": "ANY",
                "payload_format_version": "1.0",
            },
        ),
    )
    await add_route(registry, api_id, "GET /pets", target=f"integrations/{integration.integration_id}")
    return api_id


async def add_route(registry: ApiRegistry, api_id: str, key: str, **members: Any) -> Route:
    return await registry.edit(
        *HERE, api_id, lambda content: routes.create(content, {"route_key": key, **members})
    )


async def add_stage(registry: ApiRegistry, api_id: str, name: str, **members: Any) -> Any:
    return await registry.change(
        *HERE, api_id, lambda definition: stages.create(definition, {"stage_name": name, **members})
    )


async def deploy(registry: ApiRegistry, api_id: str, **members: Any) -> Deployment:
    return await registry.change(*HERE, api_id, lambda definition: deployments.create(definition, members))


def keys(registry: ApiRegistry, api_id: str, stage: str) -> list[str] | None:
    deployed = registry.deployed(api_id, stage)
    return None if deployed is None else sorted(route.route_key for route in deployed.routes)


def test_a_stage_serves_its_deployment_until_another_is_made(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> str:
        api_id = await new_api(registry)
        await add_stage(registry, api_id, "prod")
        assert keys(registry, api_id, "prod") is None
        await deploy(registry, api_id, stage_name="prod")
        await add_route(registry, api_id, "GET /orders")
        assert keys(registry, api_id, "prod") == ["GET /pets"]
        return api_id

    async def again(database: Database, registry: ApiRegistry) -> None:
        assert keys(registry, api_id, "prod") == ["GET /pets"]
        assert len(registry.definition(*HERE, api_id).content.routes) == 2
        await deploy(registry, api_id, stage_name="prod")
        assert keys(registry, api_id, "prod") == ["GET /orders", "GET /pets"]

    api_id = with_registry(tmp_path, work)
    with_registry(tmp_path, again)


def test_auto_deploy_serves_the_last_change(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> str:
        api_id = await new_api(registry)
        await add_stage(registry, api_id, "$default", auto_deploy=True)
        first = registry.definition(*HERE, api_id).stages["$default"]
        await add_route(registry, api_id, "GET /orders")
        second = registry.definition(*HERE, api_id).stages["$default"]
        assert second.last_deployment_status_message == (
            f"Successfully deployed stage with deployment ID '{second.deployment_id}'"
        )
        assert first.deployment_id != second.deployment_id
        assert keys(registry, api_id, "$default") == ["GET /orders", "GET /pets"]
        # Back to what was deployed earlier.
        await registry.change(
            *HERE,
            api_id,
            lambda definition: stages.update(
                definition, "$default", {"auto_deploy": False, "deployment_id": first.deployment_id}
            ),
        )
        assert keys(registry, api_id, "$default") == ["GET /pets"]
        return api_id

    async def again(database: Database, registry: ApiRegistry) -> None:
        assert keys(registry, api_id, "$default") == ["GET /pets"]

    api_id = with_registry(tmp_path, work)
    with_registry(tmp_path, again)


def test_what_is_deployed_is_the_same_object_until_it_changes(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> None:
        api_id = await new_api(registry)
        await add_stage(registry, api_id, "prod")
        await deploy(registry, api_id, stage_name="prod")
        before, generation = registry.deployed(api_id, "prod"), registry.generation
        await add_route(registry, api_id, "GET /orders")
        assert registry.deployed(api_id, "prod") is before
        assert registry.generation > generation
        await deploy(registry, api_id, stage_name="prod")
        assert registry.deployed(api_id, "prod") is not before

    with_registry(tmp_path, work)


def test_earlier_states_are_kept_only_while_a_deployment_refers_to_them(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> None:
        async def states() -> int:
            (row,) = await database.read("SELECT COUNT(*) FROM gateway_documents WHERE until IS NOT NULL")
            return int(str(row[0]))

        async def rename(description: str) -> None:
            await registry.edit(
                *HERE,
                api_id,
                lambda content: integrations.update(content, integration, {"description": description}),
            )

        api_id = await new_api(registry)
        (integration,) = registry.definition(*HERE, api_id).content.integrations
        await rename("never deployed")
        assert await states() == 0
        deployment = await deploy(registry, api_id)
        await rename("second")
        await rename("third")
        assert await states() == 1
        await registry.change(
            *HERE,
            api_id,
            lambda definition: deployments.delete(definition, deployment.deployment_id),
        )
        assert await states() == 0

    with_registry(tmp_path, work)


def test_a_change_that_another_node_made_first_is_computed_anew(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> None:
        other = await ApiRegistry.open(database)
        api_id = await new_api(registry)
        await other.apis.load()
        await add_route(registry, api_id, "GET /one")
        await add_route(other, api_id, "GET /two")
        assert len(other.definition(*HERE, api_id).content.routes) == 3
        await registry.delete_api(*HERE, api_id)
        with pytest.raises(ApiNotFound):
            await add_route(other, api_id, "GET /three")
        assert other.api(api_id) is None

    with_registry(tmp_path, work)


def test_a_refused_change_leaves_nothing(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> None:
        api_id = await new_api(registry)
        before = registry.definition(*HERE, api_id)
        with pytest.raises(Exception, match="already exists"):
            await add_route(registry, api_id, "GET /pets")
        assert registry.definition(*HERE, api_id) is before

    with_registry(tmp_path, work)


def test_clear_forgets_everything(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> None:
        api_id = await new_api(registry)
        await add_stage(registry, api_id, "$default", auto_deploy=True)
        await registry.clear()
        assert registry.api(api_id) is None
        assert registry.deployed(api_id, "$default") is None
        for table in ("gateway_roots", "gateway_documents"):
            assert await database.read(f"SELECT * FROM {table}") == []  # noqa: S608

    with_registry(tmp_path, work)


def test_what_is_deployed_is_found_by_what_it_belongs_to(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> None:
        definition = await registry.create_api(
            *HERE,
            {"name": "chat", "protocol_type": "WEBSOCKET", "route_selection_expression": "$request.body.a"},
        )
        api_id = definition.api.api_id
        integration = await registry.edit(
            *HERE, api_id, lambda content: integrations.create(content, {"integration_type": "MOCK"})
        )
        route = await add_route(
            registry, api_id, "$default", target=f"integrations/{integration.integration_id}"
        )
        response = await registry.edit(
            *HERE,
            api_id,
            lambda content: responses.create_for_route(
                content, route.route_id, {"route_response_key": "$default"}
            ),
        )
        answers = [
            await registry.edit(
                *HERE,
                api_id,
                lambda content, key=key: responses.create_for_integration(  # type: ignore[misc]
                    content, integration.integration_id, {"integration_response_key": key}
                ),
            )
            for key in ("/200/", "$default")
        ]
        model = await registry.edit(
            *HERE, api_id, lambda content: models.create(content, {"name": "Message", "schema": "{}"})
        )
        await add_stage(registry, api_id, "prod", auto_deploy=True, stage_variables={"a": "1"})
        deployed = registry.deployed(api_id, "prod")
        assert deployed is not None
        assert route.integration_id == integration.integration_id
        assert deployed.routes == (route,)
        assert deployed.integrations == {integration.integration_id: integration}
        assert deployed.route_responses == {route.route_id: (response,)}
        assert set(deployed.integration_responses[integration.integration_id]) == set(answers)
        assert deployed.models == {"Message": model}
        assert deployed.stage.stage_variables == {"a": "1"}
        # A stage's own settings need no deployment.
        await registry.change(
            *HERE,
            api_id,
            lambda definition: stages.update(definition, "prod", {"stage_variables": {"a": "2"}}),
        )
        changed = registry.deployed(api_id, "prod")
        assert changed is not None
        assert changed.source is deployed.source
        assert changed.stage.stage_variables == {"a": "2"}

    with_registry(tmp_path, work)


def test_deployments_that_stages_made_by_themselves_do_not_grow_without_end(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> None:
        api_id = await new_api(registry)
        (integration,) = registry.definition(*HERE, api_id).content.integrations
        kept = await deploy(registry, api_id)
        await add_stage(registry, api_id, "$default", auto_deploy=True)
        for number in range(1_100):
            await registry.edit(
                *HERE,
                api_id,
                lambda content, number=number: integrations.update(  # type: ignore[misc]
                    content, integration, {"description": str(number)}
                ),
            )
        definition = registry.definition(*HERE, api_id)
        assert kept.deployment_id in definition.deployments
        assert definition.stages["$default"].deployment_id in definition.deployments
        assert len(definition.deployments) < 1_010
        ((rows,),) = await database.read("SELECT COUNT(*) FROM gateway_documents")
        assert isinstance(rows, int)
        assert rows < 2_100

    with_registry(tmp_path, work)


def test_who_compiles_what_is_deployed_is_told_of_changes(tmp_path: Path) -> None:
    async def work(database: Database, registry: ApiRegistry) -> None:
        told: list[str] = []
        registry.on_change = told.append
        api_id = await new_api(registry)
        assert set(told) == {api_id}
        before = len(told)
        await registry.delete_api(*HERE, api_id)
        assert told[before:] == [api_id]
        assert registry.api(api_id) is None

    with_registry(tmp_path, work)
