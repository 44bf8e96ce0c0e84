"""Azure Resource Manager itself: subscriptions, resource groups, rights, sign-in."""
