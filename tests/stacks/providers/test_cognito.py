"""AWS::Cognito::*: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import Resource, World

POOL = "AWS::Cognito::UserPool"


@pytest.fixture
def pool(world: World) -> Resource:
    """A user pool."""
    return world.resource(POOL, "People").create(AutoVerifiedAttributes=["email"])


def test_a_user_pool(world: World) -> None:
    pool = world.resource(POOL, "People", team="a").create(
        UsernameAttributes=["email"],
        Policies={"PasswordPolicy": {"MinimumLength": 12}},
        Schema=[{"Name": "email", "AttributeDataType": "String", "Required": True, "Mutable": True}],
        MfaConfiguration="OPTIONAL",
        EnabledMfas=["SOFTWARE_TOKEN_MFA"],
    )
    pool.again()
    provider = f"cognito-idp.us-east-1.amazonaws.com/{pool.id}"
    assert pool.attributes == {
        "Arn": f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool.id}",
        "ProviderName": provider,
        "ProviderURL": f"https://{provider}",
        "UserPoolId": pool.id,
    }
    live = pool.read()
    assert live is not None
    assert live["UserPoolName"].startswith("shop-People-")
    assert live["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert (live["MfaConfiguration"], live["UserPoolTags"]) == ("OPTIONAL", {"team": "a"})

    schema = pool.properties["Schema"]
    pool.update_twice(
        UsernameAttributes=["email"],
        Policies={"PasswordPolicy": {"MinimumLength": 9}},
        Schema=schema,
        UserPoolTags={"kind": "x"},
    )
    live = pool.read()
    assert live is not None
    assert live["Policies"]["PasswordPolicy"]["MinimumLength"] == 9
    assert (live["MfaConfiguration"], live["UserPoolTags"]) == ("OFF", {"team": "a", "kind": "x"})
    with pytest.raises(ResourceFailure, match="cannot be modified or deleted"):
        pool.update(UsernameAttributes=["email"])
    with pytest.raises(ResourceFailure, match="KeyConfiguration"):
        pool.update(Schema=schema, KeyConfiguration={"KeyType": "x"})
    pool.delete_twice()
    assert pool.read() is None


def test_a_pool_that_was_begun_is_found_again(world: World) -> None:
    pool = world.resource("AWS::Cognito::UserPool", "Begun")
    begun = world.ask(
        "cognito-idp", "CreateUserPool", PoolName="p", UserPoolTags={"lambent:step": "token-0"}
    )["UserPool"]["Id"]
    pool.create(again=True)
    assert pool.id == begun
    tags = world.ask("cognito-idp", "DescribeUserPool", UserPoolId=begun)["UserPool"]["UserPoolTags"]
    assert "lambent:step" not in tags
    pool.delete()


def test_a_client(world: World, pool: Resource) -> None:
    client = world.resource("AWS::Cognito::UserPoolClient", "Web").create(
        UserPoolId=pool.id, GenerateSecret=True, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    client.again()
    client.lost()
    assert client.attributes["ClientId"] == client.id
    assert client.attributes["ClientSecret"]
    assert client.attributes["Name"].startswith("shop-Web-")
    client.update_twice(UserPoolId=pool.id, GenerateSecret=True, CallbackURLs=["https://shop.test/"])
    assert (client.read() or {})["CallbackURLs"] == ["https://shop.test/"]
    assert (client.read() or {}).get("ExplicitAuthFlows", []) == []
    client.update_twice(UserPoolId=pool.id, GenerateSecret=True)
    assert "CallbackURLs" not in (client.read() or {})
    client.delete_twice()
    assert client.read() is None


def test_a_domain(world: World, pool: Resource) -> None:
    domain = world.resource("AWS::Cognito::UserPoolDomain").create(Domain="shop-login", UserPoolId=pool.id)
    domain.again()
    assert domain.id == "shop-login"
    assert (domain.read() or {})["UserPoolId"] == pool.id
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::Cognito::UserPoolDomain").create(Domain="shop-login", UserPoolId=pool.id)
    domain.delete_twice()
    assert domain.read() is None


def test_groups_and_users(world: World, pool: Resource) -> None:
    group = world.resource("AWS::Cognito::UserPoolGroup", "Staff").create(UserPoolId=pool.id, Precedence=1)
    group.again()
    group.update_twice(UserPoolId=pool.id, Precedence=2, Description="who works here")
    assert (group.read() or {})["Precedence"] == 2
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::Cognito::UserPoolGroup").create(UserPoolId=pool.id, GroupName=group.id)

    user = world.resource("AWS::Cognito::UserPoolUser").create(
        UserPoolId=pool.id,
        Username="ann",
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": "ann@shop.test"}],
    )
    user.again()
    assert (user.read() or {})["Username"] == "ann"
    member = world.resource("AWS::Cognito::UserPoolUserToGroupAttachment").create(
        UserPoolId=pool.id, Username="ann", GroupName=group.id
    )
    member.again()
    groups = world.ask("cognito-idp", "AdminListGroupsForUser", UserPoolId=pool.id, Username="ann")
    assert [one["GroupName"] for one in groups["Groups"]] == [group.id]
    for each in (member, user, group):
        each.delete_twice()
    assert user.read() is None
    assert group.read() is None


def test_an_identity_provider(world: World, pool: Resource) -> None:
    details = {"client_id": "a", "client_secret": "b", "authorize_scopes": "openid"}
    provider = world.resource("AWS::Cognito::UserPoolIdentityProvider").create(
        UserPoolId=pool.id, ProviderName="Google", ProviderType="Google", ProviderDetails=details
    )
    provider.again()
    assert (provider.read() or {})["ProviderDetails"].items() >= details.items()
    provider.delete_twice()
    assert provider.read() is None


def test_an_identity_pool(world: World) -> None:
    pool = world.resource("AWS::Cognito::IdentityPool", "Guests").create(AllowUnauthenticatedIdentities=True)
    pool.again()
    pool.lost()
    assert pool.attributes["Name"].startswith("shop_Guests_")
    of: dict[str, Any] = {
        "CognitoIdentityProviders": [{"ClientId": "c", "ProviderName": "p"}],
        "IdentityPoolTags": [{"Key": "kind", "Value": "x"}],
        "SupportedLoginProviders": {"www.example.com": "1"},
    }
    pool.update_twice(AllowUnauthenticatedIdentities=False, **of)
    assert (pool.read() or {})["AllowUnauthenticatedIdentities"] is False
    assert pool.drift() == []
    pool.update_twice(AllowUnauthenticatedIdentities=False)
    assert not of.keys() & (pool.read() or {}).keys()

    pool.delete_twice()
    assert pool.read() is None
