# The whole job with Terraform: endpoints made by both providers, and one approval.
terraform {
  required_providers {
    azurerm = { source = "hashicorp/azurerm" }
    azapi   = { source = "azure/azapi" }
  }
}

variable "endpoint" { type = string }
variable "host" { type = string }
variable "ca_file" { type = string }
variable "subscription" { type = string }
variable "tenant" { type = string }
variable "factory" { type = string }
variable "account" { type = string }
variable "targets" { type = map(string) }

provider "azurerm" {
  features {}
  metadata_host   = var.host
  subscription_id = var.subscription
  tenant_id       = var.tenant
  client_id       = "somebody"
  client_secret   = "anything"
}

provider "azapi" {
  endpoint = [{
    resource_manager_endpoint       = var.endpoint
    resource_manager_audience       = "https://management.azure.com"
    active_directory_authority_host = var.endpoint
  }]
  subscription_id            = var.subscription
  tenant_id                  = var.tenant
  client_id                  = "somebody"
  client_secret              = "anything"
  disable_instance_discovery = true
}

resource "azurerm_data_factory_managed_private_endpoint" "account" {
  name               = "purview"
  data_factory_id    = var.factory
  target_resource_id = var.account
  subresource_name   = "account"
}

resource "azapi_resource" "ingestion" {
  for_each                  = var.targets
  type                      = "Microsoft.DataFactory/factories/managedVirtualNetworks/managedPrivateEndpoints@2018-06-01"
  schema_validation_enabled = false
  name                      = "purview_${each.key}"
  parent_id                 = "${var.factory}/managedVirtualNetworks/default"
  body                      = { properties = { privateLinkResourceId = each.value, groupId = each.key } }
}

data "azapi_resource_list" "connections" {
  type                   = "Microsoft.Purview/accounts/privateEndpointConnections@2021-12-01"
  parent_id              = var.account
  response_export_values = ["*"]
  depends_on             = [azurerm_data_factory_managed_private_endpoint.account]
}

resource "azapi_update_resource" "approval" {
  type      = "Microsoft.Purview/accounts/privateEndpointConnections@2021-12-01"
  parent_id = var.account
  name = one([
    for connection in data.azapi_resource_list.connections.output.value : connection.name
    if endswith(connection.properties.privateEndpoint.id, "/df1.purview")
  ])
  body = { properties = { privateLinkServiceConnectionState = { status = "Approved", description = "by Terraform" } } }
}
